// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/checked_writer_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

CheckedWriter::CheckedWriter(std::unique_ptr<Writer> inner, std::string key, std::string uri,
                             Context context)
    : inner_(std::move(inner)),
      key_(std::move(key)),
      uri_(std::move(uri)),
      context_(std::move(context)) {}

void CheckedWriter::write(ByteSpan bytes) {
  check_open("write");
  context_.check("write", uri_);
  state_ = State::failed;  // until it is known that it did not
  inner_->write(bytes);
  state_ = State::open;
}

template <typename Commit>
FileInfo CheckedWriter::committed_by(std::string_view doing, const Commit& commit) {
  check_open(doing);
  context_.check(doing, uri_);
  state_ = State::failed;
  FileInfo info = commit();
  state_ = State::committed;
  info.key = key_;
  return info;
}

FileInfo CheckedWriter::commit() {
  return committed_by("commit", [&] { return inner_->commit(); });
}

FileInfo CheckedWriter::commit_with(ByteSpan last) {
  return committed_by("write", [&] { return inner_->commit_with(last); });
}

void CheckedWriter::abort() noexcept {
  if (state_ == State::open || state_ == State::failed) inner_->abort();
  if (state_ != State::committed) state_ = State::aborted;
}

void CheckedWriter::check_open(std::string_view doing) const {
  const auto refuse = [&](std::string_view why) {
    throw Error(Errc::invalid_argument, doing, uri_, why, "create the object anew");
  };
  switch (state_) {
    case State::open:
      return;
    case State::failed:
      return refuse("an earlier write or commit failed");
    case State::committed:
      return refuse("it is committed already");
    case State::aborted:
      return refuse("it was aborted");
  }
}

}  // namespace cnf::storage
