// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// A store that hands every call to another one. A wrapper overrides what it changes and calls the
/// member here for the rest; the inner store checks and counts nothing twice.
class StorageWrapper : public Storage {
 protected:
  explicit StorageWrapper(std::shared_ptr<Storage> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] const Storage& inner() const noexcept { return *inner_; }

  [[nodiscard]] std::string do_uri(std::string_view key) const override;
  [[nodiscard]] std::string do_identity() const override;
  [[nodiscard]] ReadProfile do_read_profile() const override;
  [[nodiscard]] const PriceTable& do_prices() const override;
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override;
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override;
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override;
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override;
  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override;
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads, const Context& context) override;

 private:
  std::shared_ptr<Storage> inner_;
};

/// A wrapper under which objects have other keys than in the store it wraps. What lists them is up
/// to the class that maps them.
class KeyMappingStorage : public StorageWrapper {
 protected:
  using StorageWrapper::StorageWrapper;

  /// The inner store's key for `key`. Total, and different for different keys.
  [[nodiscard]] virtual std::string inner_key(std::string_view key) const = 0;

  [[nodiscard]] std::string do_uri(std::string_view key) const override;
  [[nodiscard]] std::string do_identity() const override = 0;
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override;
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override;
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override;
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override = 0;
  void do_remove(std::span<const std::string> keys, const Context& context) override;
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override;
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override;
  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override = 0;
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads, const Context& context) override;
};

/// Sees `inner` below `prefix`, which is put before every key with a '/'. An empty prefix gives
/// `inner` itself. Throws Error invalid_argument if `prefix` could not be the start of a key.
[[nodiscard]] std::shared_ptr<Storage> prefixed(std::shared_ptr<Storage> inner, std::string prefix);

/// Reads as `inner` does; every change throws Error permission_denied and asks the store nothing.
[[nodiscard]] std::shared_ptr<Storage> read_only(std::shared_ptr<Storage> inner);

}  // namespace cnf::storage
