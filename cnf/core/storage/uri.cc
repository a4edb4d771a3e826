// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/uri.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/azure.h"
#include "cnf/core/storage/cache.h"
#include "cnf/core/storage/gcs.h"
#include "cnf/core/storage/http.h"
#include "cnf/core/storage/limited.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A URI taken apart; percent-encoding is undone. A plain path has no scheme.
struct Parts {
  std::string scheme;
  std::optional<std::string> user;  // before an '@' in the authority
  std::string authority;            // between "//" and the path; the NAME of memory:NAME
  std::string path;                 // with the '/' it begins with, if any
  std::string query;                // as it was written
  Options options;
  std::string shown;  // for errors: without user, password and query, which may hold secrets
};

[[noreturn]] void refuse(const std::string& shown, std::string_view why,
                         std::string_view remedy = {}) {
  throw Error(Errc::invalid_argument, "open", shown, why, remedy);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text, const std::string& shown) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) refuse(shown, "'%' is not followed by two hex digits", "write it %25");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) refuse(shown, "it has a zero byte");
  return decoded;
}

// The scheme of what is meant as a URI: "sample:1.bam" is a file, "foo://x" an unknown scheme.
std::optional<std::string> scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto is_alpha = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  const auto is_scheme = [&](char c) {
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  std::string scheme(text.substr(0, colon));
  if (!is_alpha(scheme[0]) || !std::all_of(scheme.begin(), scheme.end(), is_scheme)) {
    return std::nullopt;
  }
  for (char& c : scheme) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  const bool has_slashes = text.substr(colon + 1).starts_with("//");
  if (!has_slashes && scheme != "file" && scheme != "memory") return std::nullopt;
  return scheme;
}

void set_option(std::string_view item, const std::string& shown, Options& options) {
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos) refuse(shown, "its query is not name=value&…");
  const std::string name = percent_decode(item.substr(0, equals), shown);
  const std::string value = percent_decode(item.substr(equals + 1), shown);
  try {
    options.set(name, value);
  } catch (const Error& error) {
    refuse(shown, error.what());
  }
}

void set_options(std::string_view query, const std::string& shown, Options& options) {
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (!item.empty()) set_option(item, shown, options);
  }
}

Parts parse(std::string_view text) {
  Parts parts;
  const std::optional<std::string> scheme = scheme_of(text);
  if (!scheme) {
    parts.path = text;
    parts.shown = text;
    if (text.empty()) refuse("''", "it is empty", "give a path or a URI");
    if (text.find('\0') != std::string_view::npos) refuse(parts.shown, "it has a zero byte");
    return parts;
  }
  parts.scheme = *scheme;
  std::string_view rest = text.substr(scheme->size() + 1);
  const std::size_t hash = rest.find('#');
  const std::size_t question = std::min(rest.find('?'), hash);
  if (question < hash) parts.query = rest.substr(question + 1, hash - question - 1);
  rest = rest.substr(0, question);
  const bool has_slashes = rest.starts_with("//");
  if (has_slashes) rest.remove_prefix(2);
  std::string_view authority;
  if (has_slashes || parts.scheme == "memory") authority = rest.substr(0, rest.find('/'));
  rest.remove_prefix(authority.size());
  const std::size_t at = authority.rfind('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  parts.shown = parts.scheme + (has_slashes ? "://" : ":");
  parts.shown.append(host).append(rest);
  if (hash != std::string_view::npos) refuse(parts.shown, "it has a fragment", "write '#' as %23");
  if (at != std::string_view::npos) {
    parts.user = percent_decode(authority.substr(0, at), parts.shown);
  }
  parts.authority = percent_decode(host, parts.shown);
  parts.path = percent_decode(rest, parts.shown);
  return parts;
}

void refuse_user(const Parts& parts) {
  if (!parts.user) return;
  refuse(parts.shown, "user and password do not belong in a URI",
         "use the environment or the profile files");
}

std::shared_ptr<Storage> open_file(const Parts& parts) {
  if (!parts.authority.empty() && parts.authority != "localhost") {
    refuse(parts.shown, "it names another machine", "write file:///PATH");
  }
  if (parts.path.empty()) refuse(parts.shown, "it has no path");
  return open_local(parts.path, parts.options);
}

// One name, one store in this process, for as long as somebody uses it.
std::shared_ptr<Storage> named_memory(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Storage>> stores;
  const std::lock_guard lock(mutex);
  std::erase_if(stores, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Storage>& known = stores[name];
  std::shared_ptr<Storage> store = known.lock();
  if (!store) {
    store = make_memory(name);
    known = store;
  }
  return store;
}

std::shared_ptr<Storage> open_memory(const Parts& parts) { return named_memory(parts.authority); }

std::shared_ptr<Storage> open_bucket(const Parts& parts) {
  if (parts.authority.empty()) refuse(parts.shown, "it names no bucket", "write s3://BUCKET/KEY");
  return open_s3(parts.authority, parts.options);
}

std::shared_ptr<Storage> open_google_bucket(const Parts& parts) {
  if (parts.authority.empty()) refuse(parts.shown, "it names no bucket", "write gs://BUCKET/KEY");
  return open_gcs(parts.authority, parts.options);
}

std::shared_ptr<Storage> open_container(const Parts& parts) {
  if (parts.authority.empty()) {
    refuse(parts.shown, "it names no container", "write az://CONTAINER/KEY");
  }
  return open_azure(parts.user ? *parts.user + "@" + parts.authority : parts.authority,
                    parts.options);
}

std::shared_ptr<Storage> open_web(const Parts& parts) {
  return open_http(parts.scheme + "://" + parts.authority, parts.query, parts.options);
}

// Opens what holds the objects of a scheme: a bucket, or the folder itself.
struct Scheme {
  std::string_view name;
  std::shared_ptr<Storage> (*open)(const Parts&);
  enum class Keys : std::uint8_t { in_path, path_is_the_root };
  Keys keys;
  /// Whether the URI's query holds our options, or is the store's own.
  enum class Query : std::uint8_t { options, of_the_store };
  Query query = Query::options;
  /// What stands before an '@': a user, whom no URI should have, or a container in an account.
  enum class User : std::uint8_t { refused, container };
  User user = User::refused;
};
constexpr std::array kSchemes{
    Scheme{"", open_file, Scheme::Keys::path_is_the_root},
    Scheme{"file", open_file, Scheme::Keys::path_is_the_root},
    Scheme{"memory", open_memory, Scheme::Keys::in_path},
    Scheme{"s3", open_bucket, Scheme::Keys::in_path},
    Scheme{"gs", open_google_bucket, Scheme::Keys::in_path},
    Scheme{"az", open_container, Scheme::Keys::in_path},
    Scheme{"abfs", open_container, Scheme::Keys::in_path, Scheme::Query::options,
           Scheme::User::container},
    Scheme{"abfss", open_container, Scheme::Keys::in_path, Scheme::Query::options,
           Scheme::User::container},
    Scheme{"http", open_web, Scheme::Keys::in_path, Scheme::Query::of_the_store},
    Scheme{"https", open_web, Scheme::Keys::in_path, Scheme::Query::of_the_store},
};

const Scheme& scheme_for(const Parts& parts) {
  const auto* const found =
      std::find_if(kSchemes.begin(), kSchemes.end(),
                   [&](const Scheme& scheme) { return scheme.name == parts.scheme; });
  if (found != kSchemes.end()) return *found;
  throw Error(Errc::unsupported, "open", parts.shown,
              "the scheme '" + parts.scheme + "' is not known",
              "use a path, file:, memory:, s3:, gs:, az:, abfss: or https:");
}

// The innermost comes first: what the cache answers takes no turn and is never refused.
std::shared_ptr<Storage> open_wrapped(const Scheme& scheme, const Parts& parts) {
  std::shared_ptr<Storage> storage = scheme.open(parts);
  const Options& options = parts.options;
  if (options.rate > 0) {
    storage = limited(std::move(storage), {.rate = options.rate, .part_size = options.part_size});
  }
  if (!options.cache.empty()) {
    CacheOptions cache{.max_bytes = options.cache_size, .ttl = options.cache_ttl};
    if (options.cache != "memory") cache.folder = options.cache;
    storage = cached(std::move(storage), cache);
  }
  if (options.access == Options::Access::read_only) storage = read_only(std::move(storage));
  return storage;
}

struct Resolved {
  Parts parts;
  const Scheme& scheme;
};
Resolved resolve(std::string_view uri, const Options& options) {
  Parts parts = parse(uri);
  const Scheme& scheme = scheme_for(parts);
  if (scheme.user == Scheme::User::refused) refuse_user(parts);
  parts.options = options;
  if (scheme.query == Scheme::Query::options) {
    set_options(parts.query, parts.shown, parts.options);
  }
  return {std::move(parts), scheme};
}

std::string_view without_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

std::shared_ptr<Storage> from_uri(std::string_view uri, const Options& options) {
  const auto [parts, scheme] = resolve(uri, options);
  std::shared_ptr<Storage> storage = open_wrapped(scheme, parts);
  if (scheme.keys == Scheme::Keys::path_is_the_root) return storage;
  return prefixed(std::move(storage), std::string(without_slashes(parts.path)));
}

Location locate(std::string_view uri, const Options& options) {
  auto [parts, scheme] = resolve(uri, options);
  const bool is_folder = parts.path.ends_with('/');
  if (scheme.keys == Scheme::Keys::in_path) {
    std::string key(without_slashes(parts.path));
    std::shared_ptr<Storage> storage = open_wrapped(scheme, parts);
    if (is_folder) return {prefixed(std::move(storage), std::move(key)), {}};
    return {std::move(storage), std::move(key)};
  }
  const std::size_t slash = parts.path.rfind('/');
  std::string name = slash == std::string::npos ? parts.path : parts.path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return {open_wrapped(scheme, parts), {}};
  parts.path.resize(parts.path.size() - name.size());
  if (parts.path.empty()) parts.path = ".";
  return {open_wrapped(scheme, parts), std::move(name)};
}

std::optional<std::string> local_path(std::string_view uri) {
  Parts parts = parse(uri);
  if (parts.scheme != "file" && !parts.scheme.empty()) return std::nullopt;
  refuse_user(parts);
  if (parts.path.empty()) refuse(parts.shown, "it has no path");
  return std::move(parts.path);
}

}  // namespace cnf::storage
