// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage::local {

/// Writes a file that has no name, in the folder of its target, and gives it its name on commit:
/// readers see all of the object or none of it, and a process that is killed leaves nothing.
///
/// Where the file system knows no nameless files, it has a reserved name until then.
class LocalWriter final : public Writer {
 public:
  struct Target {
    std::string folder;  ///< Absolute path.
    std::string name;    ///< In the folder.
    std::string uri;     ///< For errors.
  };
  enum class Unfinished : std::uint8_t { nameless, reserved_name };

  /// \param prefer  reserved_name is for tests of what happens on file systems without the other.
  LocalWriter(Target target, Condition condition, Options::Durability durability, Context context,
              Unfinished prefer = Unfinished::nameless);
  ~LocalWriter() override { abort(); }
  LocalWriter(const LocalWriter&) = delete;
  LocalWriter& operator=(const LocalWriter&) = delete;

  void write(ByteSpan bytes) override;
  FileInfo commit() override;
  void abort() noexcept override;

 private:
  void prepare_folder();
  void open(Unfinished prefer);
  void flush();
  void write_through(ByteSpan bytes);
  [[nodiscard]] bool is_durable() const { return durability_ == Options::Durability::fsync; }

  // Each gives the file its name, or says that the folder is gone.
  [[nodiscard]] bool place(const FileDescriptor& folder);
  [[nodiscard]] bool replace(const FileDescriptor& folder);
  [[nodiscard]] int link_as(const FileDescriptor& folder, const std::string& name) const;
  void check_match(const FileDescriptor& folder) const;
  void refuse_existing(const FileDescriptor& folder) const;

  Target target_;
  Condition condition_;
  Options::Durability durability_;
  Context context_;
  std::string made_;       // the topmost folder made for this object; removed again by abort
  std::string reserved_;   // the name until commit, if it has one
  FileDescriptor folder_;  // in which reserved_ lies
  FileDescriptor file_;
  Buffer pending_;  // small writes become large ones
  std::uint64_t written_ = 0;
  std::uint64_t pushed_ = 0;  // bytes the disk was told to begin with
};

}  // namespace cnf::storage::local
