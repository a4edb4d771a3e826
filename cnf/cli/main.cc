// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/program.h"
#include "cnf/cli/verbs.h"

int main(int argc, char** argv) {
  // In the order of --help.
  constexpr cnf::cli::AddVerb kVerbs[] = {
      cnf::cli::add_ls,       cnf::cli::add_cp,     cnf::cli::add_cat,   cnf::cli::add_stat,
      cnf::cli::add_rm,       cnf::cli::add_du,     cnf::cli::add_bench, cnf::cli::add_info,
      cnf::cli::add_validate, cnf::cli::add_gc,     cnf::cli::add_copy,  cnf::cli::add_bams3,
      cnf::cli::add_vcfs3,    cnf::cli::add_cryoem,
  };
  return cnf::cli::run_program(argc, argv, kVerbs);
}
