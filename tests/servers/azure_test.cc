// SPDX-License-Identifier: Apache-2.0
// Azure Blob Storage on Azurite, which checks every signature.
#include "cnf/core/storage/azure.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test_bytes.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/azure/azure_sign_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/server.h"

namespace cnf::storage {
namespace {

using real::code_of;
using real::pattern;

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class AzureOnAzurite : public ::testing::Test {
 protected:
  // Not once for all tests: gtest would skip them if that threw.
  void SetUp() override {
    if (!azurite_) azurite_ = std::make_unique<testing::Azurite>();
  }
  static void TearDownTestSuite() { azurite_.reset(); }

  [[nodiscard]] static Options options() {
    Options out;
    out.endpoint = azurite_->endpoint();
    out.account = testing::Azurite::account();
    out.account_key = testing::Azurite::account_key();
    return out;
  }
  [[nodiscard]] static std::string new_container() {
    const std::string name = "container-" + std::to_string(++containers_);
    azurite_->make_container(name);
    return name;
  }
  // A SAS token for one container. The order of its fields is in "Create a service SAS".
  [[nodiscard]] static std::string sas(const std::string& container, const std::string& rights,
                                       const std::string& expires = "2099-01-01T00:00:00Z") {
    const AzureAccount account{testing::Azurite::account(),
                               std::string(as_text(from_base64(testing::Azurite::account_key())))};
    const std::string version(kAzureVersion);
    const std::string text = rights + "\n\n" + expires + "\n/blob/" + account.name + "/" +
                             container + "\n\n\n\n" + version + "\nc\n\n\n\n\n\n\n";
    return "?" + spell_query({{"sv", version},
                              {"sr", "c"},
                              {"sp", rights},
                              {"se", expires},
                              {"sig", azure_signature(account, text)}});
  }
  [[nodiscard]] static std::shared_ptr<Storage> open_by_sas(const std::string& container,
                                                            const std::string& token) {
    auto by_sas = options();
    by_sas.account_key.clear();
    by_sas.sas_token = token;
    return open_azure(container, by_sas);
  }
  [[nodiscard]] static std::string connection_string() { return azurite_->connection_string(); }

 private:
  // NOLINTBEGIN(readability-identifier-naming): members, though the suite shares them
  static inline std::unique_ptr<testing::Azurite> azurite_;
  static inline int containers_ = 0;
  // NOLINTEND(readability-identifier-naming)
};

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "", "", "nothing was thrown"};
}

TEST_F(AzureOnAzurite, ASasTokenIsEnough) {
  const auto container = new_container();
  const auto store = open_by_sas(container, sas(container, "racwdl"));
  const std::string bytes = pattern(std::size_t{9} << 20U);
  static_cast<void>(store->put("a+b %", as_bytes(bytes)));
  static_cast<void>(store->copy("a+b %", "b"));
  EXPECT_TRUE(as_text(store->read_all("b", bytes.size()).bytes) == bytes);
  EXPECT_EQ(store->read_tail("b", 10).info.size, bytes.size());
  EXPECT_EQ(store->list_page({}, "").objects.size(), 2U);
  store->remove(std::vector<std::string>{"a+b %", "b"});
  EXPECT_TRUE(store->list_page({}, "").objects.empty());
}

TEST_F(AzureOnAzurite, SeveralBlocksComeBackAsOneObject) {
  const auto store = open_azure(new_container(), options());
  const auto accounting = std::make_shared<Accounting>();
  const auto context = Context().with_accounting(accounting);
  const std::string bytes = pattern((std::size_t{21} << 20U) + 5);
  const auto info = store->put("big", as_bytes(bytes), {.content_type = "x/y"}, context);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::put), 4U) << "3 blocks and their list";
  const auto read = store->read_all("big", bytes.size());
  EXPECT_TRUE(as_text(read.bytes) == bytes);
  EXPECT_EQ(read.info.etag, info.etag);
  EXPECT_EQ(store->copy("big", "copy").size, bytes.size());
  EXPECT_TRUE(as_text(store->read_all("copy", bytes.size()).bytes) == bytes);
}

TEST_F(AzureOnAzurite, AnAbortShowsNothing) {
  const auto store = open_azure(new_container(), options());
  const std::string bytes = pattern(std::size_t{20} << 20U);
  auto writer = store->create("big");
  writer->write(as_bytes(bytes));
  writer->abort();
  EXPECT_FALSE(store->exists("big"));
  EXPECT_TRUE(store->list_page({}, "").objects.empty());
  // What is left of it is in nobody's way.
  EXPECT_EQ(store->put("big", as_bytes(bytes)).size, bytes.size());
}

TEST_F(AzureOnAzurite, ConditionsHoldForBlocksAndCopies) {
  const auto store = open_azure(new_container(), options());
  const auto first = store->put("k", as_bytes("first"), {.content_type = "text/x-test"});
  const std::string bytes = pattern(std::size_t{9} << 20U);
  const WriteOptions absent{.condition = Condition::if_absent()};
  EXPECT_EQ(code_of([&] { store->put("k", as_bytes(bytes), absent); }), Errc::already_exists);
  EXPECT_EQ(code_of([&] { store->copy("k", "k", absent); }), Errc::already_exists);
  EXPECT_EQ(store->copy("k", "to", absent).size, 5U);
  EXPECT_EQ(store->stat("k").etag, first.etag);
  const WriteOptions other{.condition = Condition::if_match("0x123")};
  EXPECT_EQ(code_of([&] { store->put("k", as_bytes(bytes), other); }), Errc::precondition_failed);
  EXPECT_EQ(code_of([&] { store->copy("to", "k", other); }), Errc::precondition_failed);
  EXPECT_EQ(code_of([&] { store->put("absent", as_bytes("x"), other); }),
            Errc::precondition_failed);
}

TEST_F(AzureOnAzurite, WrongSecretsAreRefusedAndNotShown) {
  const auto container = new_container();
  auto wrong = options();
  wrong.account_key = to_base64(as_bytes("the wrong key"));
  auto error = error_of([&] { static_cast<void>(open_azure(container, wrong)->read_all("k", 1)); });
  EXPECT_EQ(error.code(), Errc::unauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("check the account's name and key"));
  EXPECT_THAT(error.what(), Not(HasSubstr(wrong.account_key)));

  const auto good = sas(container, "rl");
  EXPECT_TRUE(open_by_sas(container, good)->list_page({}, "").objects.empty());
  auto tampered = good;
  tampered.replace(tampered.find("sp=rl"), 5, "sp=rwl");
  error = error_of([&] { static_cast<void>(open_by_sas(container, tampered)->list_page({}, "")); });
  EXPECT_EQ(error.code(), Errc::unauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("get a new SAS token"));
  EXPECT_THAT(error.what(), Not(HasSubstr("sig=")));
  const auto ended = sas(container, "rl", "2020-01-01T00:00:00Z");
  EXPECT_EQ(code_of([&] { static_cast<void>(open_by_sas(container, ended)->list_page({}, "")); }),
            Errc::unauthenticated);
  EXPECT_EQ(code_of([&] { open_by_sas(container, good)->put("k", as_bytes("x")); }),
            Errc::permission_denied);

  auto nobody = options();
  nobody.account_key.clear();
  nobody.anonymous = true;
  EXPECT_THAT(code_of([&] { static_cast<void>(open_azure(container, nobody)->read_all("k", 1)); }),
              ::testing::AnyOf(Errc::not_found, Errc::unauthenticated, Errc::permission_denied));
}

TEST_F(AzureOnAzurite, AContainerThatIsNotThereIsSaidToBe) {
  const auto store = open_azure("no-such-container", options());
  for (const auto& error :
       {error_of([&] { static_cast<void>(store->read_all("k", 1)); }),
        error_of([&] { static_cast<void>(store->try_stat("k")); }),
        error_of([&] { static_cast<void>(store->list_page({}, "")); }),
        error_of([&] { store->put("k", as_bytes("x")); }), error_of([&] { store->remove("k"); })}) {
    EXPECT_EQ(error.code(), Errc::not_found) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("ContainerNotFound"));
  }
}

TEST_F(AzureOnAzurite, ABatchIsOfAtMost256) {
  const auto store = open_azure(new_container(), options());
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) keys.push_back("absent/" + std::to_string(i));
  static_cast<void>(store->put(keys[300], as_bytes("x")));
  const auto accounting = std::make_shared<Accounting>();
  store->remove(keys, Context().with_accounting(accounting));
  EXPECT_EQ(accounting->snapshot().count(RequestKind::remove), 3U);
  EXPECT_FALSE(store->exists(keys[300]));
}

TEST_F(AzureOnAzurite, IsFoundByUriAndConnectionString) {
  const auto container = new_container();
  Options by_string;
  by_string.connection_string = connection_string();
  static_cast<void>(from_uri("az://" + container + "/a/b", by_string)->put("c", as_bytes("text")));
  const auto abfss = "abfss://" + container + "@devstoreaccount1.dfs.core.windows.net/a/b/c";
  const auto [store, key] = locate(abfss, options());
  EXPECT_EQ(as_text(store->read_all(key, 10).bytes), "text");
  EXPECT_EQ(store->uri(key), abfss);
}

}  // namespace
}  // namespace cnf::storage
