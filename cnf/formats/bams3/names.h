// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cnf/formats/bams3/exceptions.h"
#include "cnf/formats/bams3/mates.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// The names of a group's records, without NULs. A record whose name field is an exception has "".
class Names {
 public:
  [[nodiscard]] std::string_view operator[](std::size_t record) const noexcept {
    const Place& place = places_[record];
    return as_text(text_).substr(place.start, place.length);
  }
  void add(std::string_view name);
  /// Gives the next record the name of an earlier one.
  void add_same_as(std::size_t record) { places_.push_back(places_[record]); }
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

 private:
  struct Place {
    std::size_t start;
    std::size_t length;
  };
  Buffer text_;
  std::vector<Place> places_;
};

/// Names are cut into digits and the rest; each piece becomes a column of numbers or texts. Names
/// that their linked mate has already, and exceptional ones, are not stored.
void encode_names(const RecordBatch& batch, const MateColumns& mates, const Exceptions& exceptions,
                  StreamWriter& out);
/// Throws Error corrupt_data.
[[nodiscard]] Names decode_names(const MateColumns& mates, const Exceptions& exceptions,
                                 const StreamReader& in);

}  // namespace cnf::bams3
