// SPDX-License-Identifier: Apache-2.0
// with_server KIND COMMAND [ARG…]: runs a command beside a server of that kind (see real_stores.cc)
// with an empty bucket, which it finds by CNF_TEST_URI and the variables that every client of such
// a store reads; ends the server after it.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "real_stores.h"
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/testing/server.h"

namespace {

void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }

void set_s3(const std::string& endpoint) {
  set("AWS_ENDPOINT_URL", endpoint);
  set("AWS_REGION", "us-east-1");
  set("AWS_ACCESS_KEY_ID", cnf::testing::VersityGateway::access_key_id());
  set("AWS_SECRET_ACCESS_KEY", cnf::testing::VersityGateway::secret_access_key());
  for (const char* name : {"AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE"})
    unsetenv(name);
  set("AWS_CONFIG_FILE", "/dev/null");
  set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
}

// Programs that scripts/servers.sh installs may be the command.
void find_servers_first() {
  const char* const servers = std::getenv("CNF_SERVERS");
  const char* const path = std::getenv("PATH");
  if (servers != nullptr && path != nullptr) set("PATH", std::string(servers) + ":" + path);
}

void set_environment(std::string_view kind, const std::string& endpoint,
                     const std::string& bucket) {
  set("CNF_TEST_KIND", std::string(kind));
  set("CNF_TEST_BUCKET", bucket);
  if (kind == "gcs") {
    set("CNF_TEST_URI", "gs://" + bucket);
    set("STORAGE_EMULATOR_HOST", endpoint);
  } else if (kind == "azure") {
    set("CNF_TEST_URI", "az://" + bucket);
    set("AZURE_STORAGE_ACCOUNT", cnf::testing::Azurite::account());
    set("AZURE_STORAGE_KEY", cnf::testing::Azurite::account_key());
    set("AZURE_STORAGE_SERVICE_ENDPOINT", endpoint);
    for (const char* name : {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN"})
      unsetenv(name);
  } else {
    set("CNF_TEST_URI", "s3://" + bucket);
    set_s3(endpoint);
  }
}

int run(char** command) {
  const pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return EXIT_FAILURE;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "with_server KIND COMMAND [ARG…]\n";
    return 2;
  }
  try {
    const auto& kind = cnf::storage::real::kind(argv[1]);
    const auto bucket = kind.new_bucket();
    find_servers_first();
    set_environment(kind.name, kind.endpoint(), bucket);
    return run(argv + 2);
  } catch (const std::exception& error) {
    std::cerr << "with_server: " << error.what() << '\n';
    return 1;
  }
}
