// SPDX-License-Identifier: Apache-2.0
// The servers we know how to start, and the little that must be asked of them before a store can.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/testing/server.h"

namespace cnf::testing {
namespace {

using nlohmann::json;

constexpr const char* kInstall = "scripts/servers.sh";

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

// What an answer in the 200s says; any other throws.
std::string send(const char* method, const std::string& url,
                 const std::vector<std::string>& headers, const std::string& body) {
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> list(nullptr, curl_slist_free_all);
  for (const auto& header : headers) {
    list.reset(curl_slist_append(list.release(), header.c_str()));
  }
  std::string answer;
  long status = 0;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
  const CURLcode result = curl_easy_perform(easy.get());
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (result != CURLE_OK || status < 200 || status > 299) {
    throw std::runtime_error(std::string(method) + " " + url + ": " + std::to_string(status) + " " +
                             curl_easy_strerror(result) + " " + answer);
  }
  return answer;
}

json post(const std::string& url, const json& body) {
  const auto answer = send("POST", url, {"content-type: application/json"}, body.dump());
  return answer.empty() ? json() : json::parse(answer);
}

void make_google_bucket(const std::string& endpoint, const std::string& name) {
  post(endpoint + "/storage/v1/b?project=cnf-test", {{"name", name}});
}

std::string http_date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::string out(64, '\0');
  out.resize(std::strftime(out.data(), out.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return out;
}

}  // namespace

VersityGateway::VersityGateway()
    : server_({.arguments = {"versitygw", "--port", "127.0.0.1:{port}", "--keep-alive", "posix",
                             "{folder}"},
               .environment = {{"ROOT_ACCESS_KEY", access_key_id()},
                               {"ROOT_SECRET_KEY", secret_access_key()}},
               .install = kInstall}) {}

RcloneS3::RcloneS3()
    : server_({.arguments = {"rclone", "serve", "s3", "--addr", "127.0.0.1:{port}", "--auth-key",
                             access_key_id() + "," + secret_access_key(), "{folder}"},
               .environment = {{"RCLONE_CONFIG", "/dev/null"}},
               .install = kInstall}) {}

FakeGcsServer::FakeGcsServer()
    : server_({.arguments = {"fake-gcs-server", "-backend", "memory", "-scheme", "http", "-host",
                             "127.0.0.1", "-port", "{port}", "-public-host", "127.0.0.1:{port}",
                             "-external-url", "http://127.0.0.1:{port}", "-log-level", "warn"},
               .install = kInstall}) {}

void FakeGcsServer::make_bucket(const std::string& name) const {
  make_google_bucket(endpoint(), name);
}

GcpStorageEmulator::GcpStorageEmulator()
    : server_({.arguments = {"gcp-storage-emulator", "start", "--host=127.0.0.1", "--port={port}",
                             "--in-memory"},
               .install = kInstall}) {}

void GcpStorageEmulator::make_bucket(const std::string& name) const {
  make_google_bucket(endpoint(), name);
}

Azurite::Azurite()
    : server_({.arguments = {"azurite", "--blobHost", "127.0.0.1", "--blobPort", "{port}",
                             "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
                             "--silent"},
               .install = kInstall}) {}

std::string Azurite::account_key() {
  return "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
}

std::string Azurite::connection_string() const {
  return "DefaultEndpointsProtocol=http;AccountName=" + account() + ";AccountKey=" + account_key() +
         ";BlobEndpoint=" + endpoint() + ";";
}

// Signed with the account's key:
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
void Azurite::make_container(const std::string& name) const {
  const std::string common = "x-ms-date:" + http_date() + "\nx-ms-version:2021-12-02\n";
  const std::string to_sign = "PUT\n\n\n\n\n\n\n\n\n\n\n\n" + common + "/" + account() + "/" +
                              account() + "/" + name + "\nrestype:container";
  const auto mac = hmac_sha256(from_base64(account_key()), as_bytes(to_sign));
  send("PUT", endpoint() + "/" + name + "?restype=container",
       {"content-type:", common.substr(0, common.find('\n')), "x-ms-version:2021-12-02",
        "authorization: SharedKey " + account() + ":" + to_base64(mac)},
       "");
}

Toxiproxy::Toxiproxy()
    : server_({.arguments = {"toxiproxy-server", "-host", "127.0.0.1", "-port", "{port}"},
               .install = kInstall}) {}

std::string Toxiproxy::add(const std::string& name, const std::string& upstream) const {
  const std::size_t host = upstream.find("://") + 3;
  const std::size_t path = std::min(upstream.find('/', host), upstream.size());
  const auto made =
      post(server_.endpoint() + "/proxies", {{"name", name},
                                             {"listen", "127.0.0.1:0"},
                                             {"upstream", upstream.substr(host, path - host)},
                                             {"enabled", true}});
  return "http://" + made.at("listen").get<std::string>() + upstream.substr(path);
}

void Toxiproxy::befall(const std::string& name, const Toxic& toxic) const {
  const bool down = toxic.stream == Toxic::Stream::down;
  post(server_.endpoint() + "/proxies/" + name + "/toxics",
       {{"type", toxic.type},
        {"stream", down ? "downstream" : "upstream"},
        {"toxicity", toxic.toxicity},
        {"attributes", toxic.attributes}});
}

void Toxiproxy::down(const std::string& name) const {
  post(server_.endpoint() + "/proxies/" + name, {{"enabled", false}});
}

void Toxiproxy::reset() const { post(server_.endpoint() + "/reset", json::object()); }

}  // namespace cnf::testing
