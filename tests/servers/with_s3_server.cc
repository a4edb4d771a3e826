// SPDX-License-Identifier: Apache-2.0
// with_s3_server COMMAND [ARG…]: runs a command beside an S3 server with an empty bucket, which it
// finds by CNF_TEST_URI and the variables that every S3 client reads; ends the server after it.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/storage/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/retry.h"
#include "cnf/testing/server.h"

namespace {

constexpr const char* kBucket = "cnf-test";

void make_bucket(const std::string& endpoint) {
  cnf::storage::Options options;
  options.endpoint = endpoint;
  options.access_key_id = cnf::testing::VersityGateway::access_key_id();
  options.secret_access_key = cnf::testing::VersityGateway::secret_access_key();
  const cnf::storage::S3Client client(kBucket, options, cnf::storage::Environment::system(),
                                      cnf::RetryPolicy{});
  static_cast<void>(
      client.run(client.call(cnf::RequestKind::put, "create", "PUT", {}, {})).value());
}

void set_environment(const std::string& endpoint) {
  const auto set = [](const char* name, const std::string& value) {
    setenv(name, value.c_str(), 1);
  };
  set("CNF_TEST_URI", std::string("s3://") + kBucket);
  set("AWS_ENDPOINT_URL", endpoint);
  set("AWS_REGION", "us-east-1");
  set("AWS_ACCESS_KEY_ID", cnf::testing::VersityGateway::access_key_id());
  set("AWS_SECRET_ACCESS_KEY", cnf::testing::VersityGateway::secret_access_key());
  for (const char* name : {"AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE"})
    unsetenv(name);
  set("AWS_CONFIG_FILE", "/dev/null");
  set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
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
  if (argc < 2) {
    std::cerr << "with_s3_server COMMAND [ARG…]\n";
    return 2;
  }
  try {
    const cnf::testing::VersityGateway server;
    make_bucket(server.endpoint());
    set_environment(server.endpoint());
    return run(argv + 1);
  } catch (const std::exception& error) {
    std::cerr << "with_s3_server: " << error.what() << '\n';
    return 1;
  }
}
