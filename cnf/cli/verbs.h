// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cnf::cli {

class Verb;

/// Every verb of the program, each in the file of its name.
void add_ls(Verb& root);
void add_cp(Verb& root);
void add_cat(Verb& root);
void add_stat(Verb& root);
void add_rm(Verb& root);
void add_du(Verb& root);
void add_bench(Verb& root);

void add_info(Verb& root);
void add_validate(Verb& root);
void add_gc(Verb& root);
void add_copy(Verb& root);

/// The verbs of one format each.
void add_bams3(Verb& root);
void add_vcfs3(Verb& root);
void add_cryoem(Verb& root);

}  // namespace cnf::cli
