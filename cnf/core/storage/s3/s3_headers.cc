// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3/s3_headers_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kCustomer = "x-amz-server-side-encryption-customer-";
constexpr std::string_view kSource = "x-amz-copy-source-server-side-encryption-customer-";
constexpr std::string_view kKey = "key";

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw Error(Errc::invalid_argument, "open", name, why);
}

Buffer customer_key(const std::string& base64) {
  constexpr std::size_t kBytes = 32;
  Buffer out;
  try {
    out = from_base64(base64);
  } catch (const Error&) {
    out.clear();  // said below, without what was read
  }
  if (out.size() != kBytes) refuse("sse_customer_key", "it is not 32 bytes in base64");
  return out;
}

HttpHeaders customer_headers(std::string_view prefix, const std::string& base64,
                             const Buffer& key) {
  const std::string name(prefix);
  return {{name + "algorithm", "AES256"},
          {name + std::string(kKey), base64},
          {name + "key-MD5", to_base64(md5(key))}};
}

void append(HttpHeaders& headers, const HttpHeaders& more) {
  headers.insert(headers.end(), more.begin(), more.end());
}

void check(const Options& options, const Endpoint& endpoint) {
  const auto& sse = options.sse;
  if (!sse.empty() && sse != "AES256" && sse != "aws:kms" && sse != "aws:kms:dsse") {
    refuse("sse", "it is not AES256, aws:kms or aws:kms:dsse");
  }
  const auto& key = options.sse_kms_key_id;
  if (!key.empty() && !sse.starts_with("aws:kms")) {
    refuse("sse_kms_key_id", "that needs sse=aws:kms or sse=aws:kms:dsse");
  }
  if (std::any_of(key.begin(), key.end(), [](char c) { return c <= 0x20 || c >= 0x7f; })) {
    refuse("sse_kms_key_id", "it has a character that no key's name has");
  }
  if (options.sse_customer_key.empty()) return;
  if (!sse.empty()) refuse("sse_customer_key", "an object has one kind of encryption: not sse too");
  if (endpoint.scheme != "https" && !endpoint.is_loopback()) {
    refuse("sse_customer_key", "the endpoint is not https, and would get the key in the clear");
  }
}

}  // namespace

S3Headers::S3Headers(const Options& options, const Endpoint& endpoint) {
  check(options, endpoint);
  if (options.requester_pays) all_.emplace_back("x-amz-request-payer", "requester");
  if (!options.sse.empty()) new_.emplace_back("x-amz-server-side-encryption", options.sse);
  if (!options.sse_kms_key_id.empty()) {
    new_.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options.sse_kms_key_id);
  }
  if (options.sse_customer_key.empty()) return;
  const auto key = customer_key(options.sse_customer_key);
  customer_ = customer_headers(kCustomer, options.sse_customer_key, key);
  source_ = customer_headers(kSource, options.sse_customer_key, key);
}

void S3Headers::add(RequestKind kind, HttpRequest& request) const {
  append(request.headers, all_);
  if (kind == RequestKind::list || kind == RequestKind::remove) return;
  append(request.headers, customer_);
  if (kind == RequestKind::copy) append(request.headers, source_);
}

void S3Headers::add_to_new(HttpRequest& request) const { append(request.headers, new_); }

std::string without_secrets(std::string text, const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    const bool secret = (name.starts_with(kCustomer) || name.starts_with(kSource)) ||
                        name == "X-Amz-Security-Token" || name == "Authorization";
    if (!secret || value.size() < 16) continue;  // "AES256" is none
    for (auto at = text.find(value); at != std::string::npos; at = text.find(value)) {
      text.replace(at, value.size(), "(not shown)");
    }
  }
  return text;
}

}  // namespace cnf::storage
