// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

class ReadOnlyStorage final : public StorageWrapper {
 public:
  explicit ReadOnlyStorage(std::shared_ptr<Storage> inner) : StorageWrapper(std::move(inner)) {}

 private:
  [[noreturn]] void refuse(std::string_view doing, std::string_view key) const {
    throw Error(Errc::permission_denied, doing, do_uri(key), "the store was opened to be read only",
                "open it without the option read_only");
  }

  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key,
                                                  const WriteOptions& /*options*/,
                                                  const Context& /*context*/) override {
    refuse("create", key);
  }
  void do_remove(std::span<const std::string> keys, const Context& /*context*/) override {
    refuse("remove", keys.front());
  }
  FileInfo do_copy(std::string_view /*from*/, std::string_view to, const WriteOptions& /*options*/,
                   const Context& /*context*/) override {
    refuse("copy to", to);
  }
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                        const Context& /*context*/) override {
    refuse("abort", uploads.front().key);
  }
};

}  // namespace

std::shared_ptr<Storage> read_only(std::shared_ptr<Storage> inner) {
  return std::make_shared<ReadOnlyStorage>(std::move(inner));
}

}  // namespace cnf::storage
