// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <htslib/cram.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/sam.h>
#include <unistd.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/source_references_internal.h"

namespace cnf::bams3 {
namespace {

bool names_url(std::string_view text) {
  constexpr std::array<std::string_view, 5> kMarks = {"://", "URL=", "http:", "https:", "ftp:"};
  return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) {
    return text.find(mark) != std::string_view::npos;
  });
}

// htslib takes "scheme:" at the front for a URL, and complains on stderr of a file that is absent.
bool is_local_file(std::string target) {
  constexpr std::string_view kScheme = "file:";
  if (target.starts_with(kScheme)) target.erase(0, kScheme.size());
  return target.find(':') == std::string::npos && ::access(target.c_str(), R_OK) == 0;
}

}  // namespace

void keep_local_references(sam_hdr_t* header, std::string_view ref_path) {
  const bool keep_m5 = !ref_path.empty() && !names_url(ref_path);
  const int count = sam_hdr_count_lines(header, "SQ");
  for (int i = 0; i < count; ++i) {
    const std::string name = sam_hdr_line_name(header, "SQ", i);
    const auto remove = [&](const char* field) {
      (void)sam_hdr_remove_tag_id(header, "SQ", "SN", name.c_str(), field);
    };
    if (!keep_m5) remove("M5");
    kstring_t target = KS_INITIALIZE;
    const bool has_target = sam_hdr_find_tag_pos(header, "SQ", i, "UR", &target) == 0;
    if (has_target && !is_local_file(target.s)) remove("UR");
    ks_free(&target);
  }
}

void use_reference(htsFile* file, const std::string& path) {
  if (names_url(path)) {
    throw Error(Errc::unsupported, "open", path, "a CRAM's reference must be a local file",
                "copy it to this machine first");
  }
  if (::access(path.c_str(), R_OK) != 0 ||
      hts_set_opt(file, CRAM_OPT_REFERENCE, path.c_str()) != 0) {
    throw Error(Errc::not_found, "open", path, "it cannot be read as a reference",
                "give a FASTA file, plain or compressed with bgzip");
  }
}

std::string named_reference(std::string_view header_text) {
  const std::size_t field = header_text.find("\tUR:");
  if (field == std::string_view::npos) return {};
  const std::string_view rest = header_text.substr(field + 4);
  return " (" + std::string(rest.substr(0, rest.find_first_of("\t\n"))) + ")";
}

}  // namespace cnf::bams3
