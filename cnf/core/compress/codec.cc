// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

struct Algorithm {
  CodecId id;
  std::string_view name;
  int lowest;
  int highest;
  int usual;
};
constexpr std::array kAlgorithms{Algorithm{CodecId::zstd, "zstd", 1, 22, 3},
                                 Algorithm{CodecId::lz4, "lz4", 1, 12, 1},
                                 Algorithm{CodecId::none, "none", 0, 0, 0}};

const Algorithm& algorithm_named(std::string_view name) {
  const auto* found = std::ranges::find(kAlgorithms, name, &Algorithm::name);
  if (found == kAlgorithms.end()) {
    throw Error(Errc::invalid_argument, "use codec", name, "there is no such codec",
                "use zstd[:1-22], lz4[:1-12] or none");
  }
  return *found;
}

void check_level(const Algorithm& algorithm, int level) {
  if (level >= algorithm.lowest && level <= algorithm.highest) return;
  throw Error(Errc::invalid_argument, "use codec", algorithm.name,
              fmt::format("level {} is out of range", level),
              algorithm.lowest == algorithm.highest
                  ? fmt::format("its only level is {}", algorithm.lowest)
                  : fmt::format("use {} to {}", algorithm.lowest, algorithm.highest));
}

class NoneEncoder final : public StreamEncoder {
 public:
  void write(ByteSpan bytes, Buffer& out) override { out.append(bytes); }
  void finish(Buffer& /*out*/) override {}
};

class NoneDecoder final : public StreamDecoder {
 public:
  NoneDecoder(std::string subject, std::uint64_t max_raw)
      : subject_(std::move(subject)), bound_(max_raw) {}
  void write(ByteSpan bytes, Buffer& out) override {
    bound_.take(bytes.size(), subject_);
    out.append(bytes);
  }
  void finish() override {}

 private:
  std::string subject_;
  RawBound bound_;
};

class NoneCodec final : public Codec {
 public:
  [[nodiscard]] CodecId id() const noexcept override { return CodecId::none; }
  [[nodiscard]] int level() const noexcept override { return 0; }
  void compress(ByteSpan raw, Buffer& out) const override { out.append(raw); }
  [[nodiscard]] std::unique_ptr<StreamEncoder> make_encoder() const override {
    return std::make_unique<NoneEncoder>();
  }
};

void none_decompress(ByteSpan stored, MutableByteSpan raw, std::string_view subject) {
  if (stored.size() != raw.size()) {
    throw_corrupt(subject,
                  fmt::format("{} bytes are stored, {} are expected", stored.size(), raw.size()));
  }
  if (!raw.empty()) std::memcpy(raw.data(), stored.data(), raw.size());
}

}  // namespace

void throw_corrupt(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "decompress", subject, why);
}

std::string_view to_string(CodecId id) noexcept {
  const auto* found = std::ranges::find(kAlgorithms, id, &Algorithm::id);
  return found == kAlgorithms.end() ? "unknown" : found->name;
}

CodecId codec_id(std::uint8_t value, std::string_view subject) {
  const auto id = static_cast<CodecId>(value);
  if (std::ranges::find(kAlgorithms, id, &Algorithm::id) == kAlgorithms.end()) {
    throw Error(Errc::unsupported, "decompress", subject,
                fmt::format("codec {} is not known", value), "a newer version of cnf may read it");
  }
  return id;
}

CodecOptions CodecOptions::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const Algorithm& algorithm = algorithm_named(text.substr(0, colon));
  CodecOptions options{.algorithm = std::string(algorithm.name), .level = algorithm.usual};
  if (colon == std::string_view::npos) return options;

  const std::string_view level = text.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(level.data(), level.data() + level.size(), options.level);
  if (error != std::errc() || end != level.data() + level.size()) {
    throw Error(Errc::invalid_argument, "use codec", text, "the level is not a number",
                fmt::format("write it as {}:{}", algorithm.name, algorithm.usual));
  }
  check_level(algorithm, options.level);
  return options;
}

std::shared_ptr<const Codec> make_codec(const CodecOptions& options) {
  const Algorithm& algorithm = algorithm_named(options.algorithm);
  check_level(algorithm, options.level);
  switch (algorithm.id) {
    case CodecId::zstd:
      return make_zstd_codec(options.level);
    case CodecId::lz4:
      return make_lz4_codec(options.level);
    case CodecId::none:
      break;
  }
  return std::make_shared<NoneCodec>();
}

void decompress(CodecId id, ByteSpan compressed, MutableByteSpan raw, std::string_view subject) {
  switch (codec_id(static_cast<std::uint8_t>(id), subject)) {
    case CodecId::zstd:
      return zstd_decompress(compressed, raw, subject);
    case CodecId::lz4:
      return lz4_decompress(compressed, raw, subject);
    case CodecId::none:
      return none_decompress(compressed, raw, subject);
  }
}

std::unique_ptr<StreamDecoder> make_decoder(CodecId id, std::string subject,
                                            std::uint64_t max_raw) {
  switch (codec_id(static_cast<std::uint8_t>(id), subject)) {
    case CodecId::zstd:
      return make_zstd_decoder(std::move(subject), max_raw);
    case CodecId::lz4:
      return make_lz4_decoder(std::move(subject), max_raw);
    case CodecId::none:
      break;
  }
  return std::make_unique<NoneDecoder>(std::move(subject), max_raw);
}

}  // namespace cnf::compress
