// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/credentials/credentials_azure_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// The account of every emulator, which everybody may know.
// Source: "Use the Azurite emulator for local Azure Storage development".
constexpr std::string_view kEmulatorAccount = "devstoreaccount1";
constexpr std::string_view kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::string_view kEmulatorEndpoint = "http://127.0.0.1:10000/devstoreaccount1";

// One place that may know the account and what opens it.
struct Source {
  AzureConnection says;
  bool chosen = true;  // by the caller: another account than the URI's is a mistake
};

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return x == y || ((x | 0x20) == (y | 0x20) && (x | 0x20) >= 'a' && (x | 0x20) <= 'z');
  });
}

bool is_name(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

std::string blob_host(std::string_view account, std::string_view suffix) {
  return std::string(account) + ".blob." + std::string(suffix);
}

// "ACCOUNT.dfs.core.windows.net" lists files, "ACCOUNT.blob.core.windows.net" the same as blobs.
std::pair<std::string, std::string> account_and_blob_host(std::string_view host,
                                                          const std::string& shown) {
  const auto dot = host.find('.');
  const auto second = dot == std::string_view::npos ? dot : host.find('.', dot + 1);
  const auto service = second == std::string_view::npos ? std::string_view()
                                                        : host.substr(dot + 1, second - dot - 1);
  const auto account = host.substr(0, dot);
  if ((service != "dfs" && service != "blob") || !is_name(account, "-") || !is_name(host, ".-")) {
    throw Error(Errc::invalid_argument, "open", shown,
                "what stands behind the '@' is no storage account's host",
                "write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY");
  }
  return {std::string(account), blob_host(account, host.substr(second + 1))};
}

// "127.0.0.1", "[::1]", "localhost", "azurite": no host of an account, so the account is in the
// path.
bool is_address(std::string_view host) {
  return host.starts_with('[') || host.find('.') == std::string_view::npos ||
         std::all_of(host.begin(), host.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

std::string account_of(const Endpoint& endpoint) {
  const auto host = endpoint.host();
  if (is_address(host)) {
    return endpoint.path.empty() ? "" : endpoint.path.substr(endpoint.path.rfind('/') + 1);
  }
  const auto dot = host.find('.');
  return host.substr(dot).starts_with(".blob.") ? std::string(host.substr(0, dot)) : std::string();
}

std::vector<Source> sources(const Options& options, const Environment& environment) {
  const auto variable = [&](const std::string& name) {
    return environment.variable(name).value_or("");
  };
  std::vector<Source> out;
  out.push_back({{options.account, options.account_key, options.sas_token, ""}});
  if (!options.connection_string.empty()) {
    out.push_back({parse_connection_string(options.connection_string)});
  }
  if (const auto text = variable("AZURE_STORAGE_CONNECTION_STRING"); !text.empty()) {
    out.push_back({parse_connection_string(text), false});
  }
  out.push_back({{variable("AZURE_STORAGE_ACCOUNT"), variable("AZURE_STORAGE_KEY"),
                  variable("AZURE_STORAGE_SAS_TOKEN"), variable("AZURE_STORAGE_SERVICE_ENDPOINT")},
                 false});
  return out;
}

// Keeps what is about this account; throws if the caller named two.
void keep(std::vector<Source>& sources, const std::string& account, const std::string& shown) {
  const auto is_other = [&](const Source& source) {
    return !source.says.account.empty() && source.says.account != account;
  };
  for (const auto& source : sources) {
    if (!source.chosen || !is_other(source)) continue;
    throw Error(Errc::invalid_argument, "open", shown,
                "account '" + account + "' is asked for, and account '" +
                    one_line(source.says.account, 60) + "' too",
                "name one of them");
  }
  std::erase_if(sources, is_other);
}

std::string decoded_key(std::string_view text, const std::string& shown) {
  try {
    const Buffer key = from_base64(text);
    if (!key.empty()) return std::string(as_text(key));
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): its words could show the key
  }
  throw Error(Errc::invalid_argument, "open", shown, "the account key is not base64",
              "copy it whole, with the '=' at its end");
}

AzureSecrets find_secrets(const std::vector<Source>& sources, const Options& options,
                          const Environment& environment, const std::string& shown) {
  AzureSecrets out;
  if (options.anonymous) return out;
  const bool token_is_explicit = !options.token.empty() || !options.client_secret.empty();
  for (const auto& source : sources) {
    const auto& says = source.says;
    if (!says.account_key.empty()) {
      out.account_key = decoded_key(says.account_key, shown);
      return out;
    }
    if (!says.sas_token.empty()) {
      out.sas = parse_sas_token(says.sas_token);
      return out;
    }
    if (token_is_explicit) break;  // it comes behind what the options say else, before all others
  }
  out.token = find_azure_token(options, environment);
  return out;
}

std::string first_set(const std::vector<Source>& sources, std::string AzureConnection::*field) {
  for (const auto& source : sources) {
    if (!(source.says.*field).empty()) return source.says.*field;
  }
  return {};
}

}  // namespace

AzureConnection parse_connection_string(std::string_view text) {
  AzureConnection out;
  std::string_view protocol = "https";
  std::string_view suffix = "core.windows.net";
  bool understood = false;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = item.substr(0, equals);
    const auto value = item.substr(equals + 1);
    if (same_word(name, "UseDevelopmentStorage") && same_word(value, "true")) {
      return {std::string(kEmulatorAccount), std::string(kEmulatorKey), "",
              std::string(kEmulatorEndpoint)};
    }
    if (same_word(name, "AccountName")) out.account = value;
    if (same_word(name, "AccountKey")) out.account_key = value;
    if (same_word(name, "SharedAccessSignature")) out.sas_token = value;
    if (same_word(name, "BlobEndpoint")) out.endpoint = value;
    if (same_word(name, "DefaultEndpointsProtocol")) protocol = value;
    if (same_word(name, "EndpointSuffix")) suffix = value;
    understood = understood || !out.account.empty() || !out.endpoint.empty();
  }
  if (!understood) {
    throw Error(Errc::invalid_argument, "read", "the connection string",
                "it names neither an account nor a blob endpoint",
                "copy it whole: AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net");
  }
  if (out.endpoint.empty()) {
    out.endpoint = std::string(protocol) + "://" + blob_host(out.account, suffix);
  }
  if (out.account.empty()) out.account = account_of(parse_endpoint(out.endpoint));
  return out;
}

QueryParameters parse_sas_token(std::string_view text) {
  const auto refuse = [](std::string_view why) {
    throw Error(Errc::invalid_argument, "read", "the SAS token", why,
                "copy it whole: sv=…&se=…&sp=…&sig=…");
  };
  if (text.starts_with('?')) text.remove_prefix(1);
  QueryParameters out;
  bool is_signed = false;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) refuse("it is not name=value&…");
    auto name = percent_decode(item.substr(0, equals));
    auto value = percent_decode(item.substr(equals + 1));
    if (!name || !value) refuse("a '%' in it is not followed by two hex digits");
    is_signed = is_signed || (*name == "sig" && !value->empty());
    out.emplace_back(*std::move(name), *std::move(value));
  }
  if (!is_signed) refuse("it has no signature");
  return out;
}

AzureSettings resolve_azure_settings(std::string_view container, const Options& options,
                                     const Environment& environment) {
  AzureSettings out;
  const auto at = container.find('@');
  out.container = container.substr(0, at);
  if (!is_name(out.container, "-$._")) {
    // What stands before an '@' may be a password that somebody put there.
    throw Error(Errc::invalid_argument, "open",
                at == std::string_view::npos ? "az://" + one_line(container, 80)
                                             : "abfss:…" + one_line(container.substr(at), 80),
                "that is no name of a container",
                "a container has 3 to 63 lower-case letters, digits and '-'");
  }
  const std::string shown = at == std::string_view::npos ? "az://" + out.container
                                                         : "abfss://" + one_line(container, 300);
  out.root = shown;
  std::string endpoint = options.endpoint;
  if (at != std::string_view::npos) {
    auto [account, host] = account_and_blob_host(container.substr(at + 1), shown);
    out.account = std::move(account);
    if (endpoint.empty()) endpoint = "https://" + host;
  }

  auto known = sources(options, environment);
  if (out.account.empty()) out.account = first_set(known, &AzureConnection::account);
  if (out.account.empty() && !endpoint.empty()) out.account = account_of(parse_endpoint(endpoint));
  keep(known, out.account, shown);
  if (endpoint.empty()) endpoint = first_set(known, &AzureConnection::endpoint);
  if (out.account.empty() && !endpoint.empty()) out.account = account_of(parse_endpoint(endpoint));
  if (!is_name(out.account, "-")) {
    throw Error(Errc::invalid_argument, "open", shown,
                out.account.empty() ? "it is not known which storage account it is in"
                                    : "that is no name of a storage account",
                "set account=…, AZURE_STORAGE_ACCOUNT or a connection string");
  }
  if (endpoint.empty()) endpoint = "https://" + blob_host(out.account, "core.windows.net");
  out.endpoint = parse_endpoint(endpoint);
  if (is_address(out.endpoint.host()) && out.endpoint.path.empty()) {
    out.endpoint.path = "/" + out.account;
  }
  out.secrets = find_secrets(known, options, environment, shown);
  return out;
}

}  // namespace cnf::storage
