// SPDX-License-Identifier: Apache-2.0

// The worked examples of SPEC.md are what the encoder writes, and decode to what the page says.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/testing/examples.h"

namespace cnf::vcfs3 {
namespace {

std::map<std::string, Buffer> examples() {
  return cnf::testing::hex_examples("cnf/formats/vcfs3/SPEC.md");
}

const std::vector<Site>& example_sites() {
  static const std::vector<Site> sites = {{.pos = 4,
                                           .id = ".",
                                           .ref = "A",
                                           .alt = "C",
                                           .qual = ".",
                                           .filter = "PASS",
                                           .info = "AC=1;DB",
                                           .format = "GT"},
                                          {.pos = 8,
                                           .id = ".",
                                           .ref = "A",
                                           .alt = "G",
                                           .qual = ".",
                                           .filter = "PASS",
                                           .info = ".",
                                           .format = "GT"}};
  return sites;
}

TEST(Spec, TheExamplesOfASitePageAreWhatTheEncoderWrites) {
  const auto blocks = examples();
  ASSERT_TRUE(blocks.contains("core")) << "run with CNF_SOURCE_DIR set to the source tree";
  const Genotypes genotypes{.records = 2,
                            .samples = 3,
                            .texts = {"0|0", "0|1"},
                            .codes = {0, 0, 1, 0, 0, 0},
                            .escapes = {},
                            .present = {1, 1}};
  const EncodedPage page = encode_page(example_sites(), {}, genotypes, 0, 3);
  EXPECT_EQ(to_hex(page.core), to_hex(blocks.at("core")));
  EXPECT_EQ(to_hex(page.info), to_hex(blocks.at("info")));
  EXPECT_EQ(to_hex(page.carriers), to_hex(blocks.at("carriers")));
}

TEST(Spec, TheExamplesOfASitePageDecode) {
  const auto blocks = examples();
  ASSERT_TRUE(blocks.contains("core"));
  SitePage page(blocks.at("core"), blocks.at("info"), 2, "SPEC.md");
  for (std::size_t i = 0; i < 2; ++i) {
    const Site site = page.site(i, Needs::all());
    const Site& want = example_sites()[i];
    EXPECT_EQ(site.pos, want.pos);
    EXPECT_EQ(site.alt, want.alt);
    EXPECT_EQ(site.filter, want.filter);
    EXPECT_EQ(site.info, want.info);
    EXPECT_EQ(site.format, want.format);
    EXPECT_EQ(page.ends()[i], want.pos + 1);
  }
  const Carriers carriers = decode_carriers(blocks.at("carriers"), 2, 3, "SPEC.md");
  EXPECT_EQ(carriers.ends, std::vector<std::uint32_t>({1, 1}));
  EXPECT_EQ(carriers.samples, std::vector<std::uint32_t>({2}));
}

TEST(Spec, TheExampleOfAFooterIsWhatAChunkEndsWith) {
  const auto blocks = examples();
  ASSERT_TRUE(blocks.contains("footer"));
  ChunkFooter footer;
  footer.bins.push_back(
      {.contig = 3, .bin = 7, .pages = {{5, 10, 20, 30}}, .tiles = {{100, 1'000}}});
  footer.bins.push_back(
      {.contig = 4, .bin = 8, .pages = {{4'096, 11, 0, 0}, {6, 12, 0, 0}}, .tiles = {{300, 0}}});
  EXPECT_EQ(to_hex(footer.encode()), to_hex(blocks.at("footer")));
  EXPECT_EQ(ChunkFooter::decode(blocks.at("footer"), "SPEC.md").bins, footer.bins);
}

}  // namespace
}  // namespace cnf::vcfs3
