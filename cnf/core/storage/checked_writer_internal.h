// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What every caller of Storage::create gets: a backend's writer, used as Writer promises.
///
/// After a write that failed it never commits, for the object would lack those bytes; so backends
/// need not guard against calls out of order.
class CheckedWriter final : public Writer {
 public:
  /// \param uri  of `key`, for errors.
  CheckedWriter(std::unique_ptr<Writer> inner, std::string key, std::string uri, Context context);
  ~CheckedWriter() override { abort(); }
  CheckedWriter(const CheckedWriter&) = delete;
  CheckedWriter& operator=(const CheckedWriter&) = delete;

  void write(ByteSpan bytes) override;
  FileInfo commit() override;
  FileInfo commit_with(ByteSpan last) override;
  void abort() noexcept override;

 private:
  void check_open(std::string_view doing) const;
  template <typename Commit>
  FileInfo committed_by(std::string_view doing, const Commit& commit);

  enum class State : std::uint8_t { open, failed, committed, aborted };
  std::unique_ptr<Writer> inner_;
  std::string key_;
  std::string uri_;
  Context context_;
  State state_ = State::open;
};

}  // namespace cnf::storage
