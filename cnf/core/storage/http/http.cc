// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/http.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_plain_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

QueryParameters checked_query(std::string_view query, std::string_view shown) {
  auto out = parse_query(query);
  if (out) return *std::move(out);
  throw Error(Errc::invalid_argument, "open", shown, "its query is not percent-encoded",
              "write '%' as %25");
}

HttpEngineOptions engine_options(const Options& options, const Environment& environment) {
  auto out = storage::engine_options(options);
  out.ca_bundle = environment.variable("CURL_CA_BUNDLE").value_or("");
  out.follow_redirects = true;
  return out;
}

/// One web server, as http_read_internal.h wants a client.
class HttpClient {
 public:
  HttpClient(std::string_view base, std::string_view query, const Options& options)
      : endpoint_(parse_endpoint(base)),
        query_(checked_query(query, endpoint_.url())),
        query_digest_(query.empty() ? std::string() : to_hex(sha256(as_bytes(query)))),
        engine_(std::make_shared<PlainDialect>(), engine_options(options, Environment::system())) {}

  [[nodiscard]] std::string uri(std::string_view key) const {
    std::string out = endpoint_.url();
    if (!key.empty()) out.append("/").append(key);
    return out;
  }
  /// As Storage::identity(): what the query says may choose a version, and may be a secret.
  [[nodiscard]] std::string identity() const { return uri({}) + query_digest_; }
  [[nodiscard]] HttpCall call(RequestKind kind, std::string_view doing, std::string_view method,
                              std::string_view key, const Context& context) const {
    HttpCall out;
    out.kind = kind;
    out.doing = doing;
    out.subject = uri(key);
    out.request.method = method;
    out.request.endpoint = endpoint_;
    out.request.path.append(key);
    out.request.query = query_;
    out.context = context;
    return out;
  }
  [[nodiscard]] HttpOutcome run(HttpCall call) const { return engine_.run(std::move(call)); }
  void submit(HttpCall call, HttpEngine::Done done) const {
    engine_.submit(std::move(call), std::move(done));
  }

 private:
  Endpoint endpoint_;
  QueryParameters query_;
  std::string query_digest_;
  mutable HttpEngine engine_;
};

/// Servers that know GET alone, and URLs that are signed for it, refuse a HEAD.
bool refuses_head(const Error& error) {
  return error.code() == Errc::permission_denied || error.code() == Errc::unsupported;
}

class HttpStorage final : public Storage {
 public:
  HttpStorage(std::string_view base, std::string_view query, const Options& options)
      : client_(base, query, options) {}

 private:
  [[nodiscard]] std::string do_uri(std::string_view key) const override { return client_.uri(key); }
  [[nodiscard]] std::string do_identity() const override { return client_.identity(); }
  [[nodiscard]] ReadProfile do_read_profile() const override {
    // Further away than a bucket of the same region: a request is worth more bytes.
    return {.gap = std::uint64_t{256} << 10, .max_request = std::uint64_t{16} << 20};
  }
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    fetch_over_http(client_, transfers, RangeSink::Whole::accept_small, context, done);
  }
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    return read_over_http(client_, key, tail, limit, context);
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    try {
      return stat_over_http(client_, key, context);
    } catch (const Error& error) {
      if (!refuses_head(error)) throw;
      return read_over_http(client_, key, 1, 1, context).info;
    }
  }

  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key,
                                                  const WriteOptions& /*options*/,
                                                  const Context& /*context*/) override {
    refuse("write", key);
  }
  void do_remove(std::span<const std::string> keys, const Context& /*context*/) override {
    refuse("remove", keys.front());
  }
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& /*token*/,
                                      const Context& /*context*/) const override {
    throw Error(Errc::unsupported, "list", client_.uri(options.prefix),
                "a web server does not tell what it has", "name the object or the dataset");
  }
  [[noreturn]] void refuse(std::string_view doing, std::string_view key) const {
    throw Error(Errc::unsupported, doing, client_.uri(key), "a web server is only read from",
                "use the store itself: s3://, a path");
  }

  HttpClient client_;
};

}  // namespace

std::shared_ptr<Storage> open_http(std::string_view base, std::string_view query,
                                   const Options& options) {
  return std::make_shared<HttpStorage>(base, query, options);
}

}  // namespace cnf::storage
