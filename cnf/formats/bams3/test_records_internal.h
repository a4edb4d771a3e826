// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"

namespace cnf::bams3 {

/// A small record for tests of order: what a sort looks at, and tags to tell records apart.
struct TestRecord {
  std::int32_t ref = 0, pos = 0;
  std::uint16_t flag = 0;
  std::string name = "r";
  std::string payload = {};  ///< Becomes tag XX:Z.
};

inline Buffer to_body(const TestRecord& record) {
  Buffer body;
  ByteWriter out(body);
  out.put(record.ref);                                         // refID
  out.put(record.pos);                                         // pos
  out.put(static_cast<std::uint8_t>(record.name.size() + 1));  // l_read_name
  out.put(std::uint8_t{60});                                   // mapq
  out.put(std::uint16_t{0});                                   // bin
  out.put(std::uint16_t{0});                                   // n_cigar_op
  out.put(record.flag);                                        // flag
  out.put(std::uint32_t{0});                                   // l_seq
  out.put(std::int32_t{-1});                                   // next_refID
  out.put(std::int32_t{-1});                                   // next_pos
  out.put(std::int32_t{0});                                    // tlen
  out.put_bytes(as_bytes(record.name));                        // read_name
  out.put(std::uint8_t{0});
  out.put_bytes(as_bytes("XXZ" + record.payload));  // tags
  out.put(std::uint8_t{0});
  return body;
}

/// What a batch with these records holds.
inline std::string bytes_of(const std::vector<TestRecord>& records) {
  RecordBatch batch;
  for (const TestRecord& record : records) {
    const Buffer body = to_body(record);
    batch.add(RecordView(body));
  }
  return std::string(as_text(batch.span()));
}

inline std::string read_rest(RecordSource& source) {
  RecordBatch batch;
  while (source.next(batch)) {
  }
  return std::string(as_text(batch.span()));
}

/// A source of records in memory.
class TestSource final : public RecordSource {
 public:
  TestSource(std::vector<TestRecord> records, std::string header_text)
      : records_(std::move(records)) {
    header_.text = std::move(header_text);
    header_.references = {{"a", 1000}, {"b", 1000}};
  }
  const Header& header() const override { return header_; }
  bool next(RecordBatch& batch) override {
    if (at_ == records_.size()) return false;
    const Buffer body = to_body(records_[at_++]);
    batch.add(RecordView(body));
    return true;
  }

 private:
  std::vector<TestRecord> records_;
  Header header_;
  std::size_t at_ = 0;
};

}  // namespace cnf::bams3
