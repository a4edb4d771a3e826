// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <htslib/hts.h>
#include <htslib/sam.h>

namespace cnf::bams3 {

/// Takes from the header that htslib decodes a CRAM with whatever would make it look for a
/// reference elsewhere than on this machine: M5: checksums, for which it asks EBI unless `ref_path`
/// (REF_PATH) names only local folders, and UR: fields that are no local file that can be read.
void keep_local_references(sam_hdr_t* header, std::string_view ref_path);

/// Has htslib decode with a FASTA file. Throws Error not_found, unsupported (a URL).
void use_reference(htsFile* file, const std::string& path);

/// Where the header says that the reference was, for a message: " (…)", or nothing.
[[nodiscard]] std::string named_reference(std::string_view header_text);

}  // namespace cnf::bams3
