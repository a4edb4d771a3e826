// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {

/// A condition on records in the language of bcftools' -i and -e, meaning what bcftools 1.16 means.
///
/// Its odd points are kept: operators of equal precedence group from the right ("9-3-2" is 8), AC,
/// AF, MAC and MAF that the header does not define are those of the first ALT, a missing value of
/// an INFO key with several integers compares as -2147483648, numbers up to 2^24 compare in single
/// precision, regular expressions are POSIX basic ones. What it crashes on, or would answer from
/// stale memory (vectors of different lengths), is an Error here.
///
/// Not there, and refused by name: BINOM, PHRED, PERL, samples from a file ("FMT/DP[@file]").
///
/// Immutable. Threads: concurrent use is fine, each with its own Scratch.
class Expression {
 public:
  enum class Logic : std::uint8_t {
    include,  ///< -i: records for which it is true.
    exclude,  ///< -e: records for which it is not.
  };

  /// What an evaluation remembers between records so as not to allocate; any expression's will do.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class Expression;
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  /// What bcftools query would print of a record.
  struct Answer {
    bool passes = false;
    /// Per sample: 1 if it passes; empty if all do. Valid until the scratch is used again.
    std::span<const std::uint8_t> samples = {};
  };

  /// \param header  its samples are those of the cells of the records to come, in their order.
  /// Throws Error invalid_argument (not well-formed, an unknown field, types that do not compare)
  /// or unsupported, naming the construct and its place; not_found for a list of IDs in a file.
  [[nodiscard]] static Expression parse(std::string_view text, const Header& header, Logic logic);

  /// True if the record is wanted, as bcftools view has it. A raw record meets no condition.
  /// Throws Error invalid_argument if vectors of different lengths meet in the record.
  [[nodiscard]] bool matches(const Variant& variant, Scratch& scratch) const;
  /// As bcftools query has it: a condition on FORMAT fields also chooses among samples.
  /// \param by_sample  what is printed shows values of samples.
  [[nodiscard]] Answer answer(const Variant& variant, Scratch& scratch, bool by_sample) const;
  /// How many samples meet the condition, whatever the logic; all or none if it looks at none.
  [[nodiscard]] std::size_t count_samples(const Variant& variant, Scratch& scratch) const;

  /// The columns it looks at.
  [[nodiscard]] const Needs& needs() const noexcept;
  /// False only if no record of a page can be wanted. \param keys  those of zones.info.
  [[nodiscard]] bool may_match(const PageZones& zones, std::span<const std::string> keys) const;

 private:
  struct Impl;
  explicit Expression(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cnf::vcfs3
