// SPDX-License-Identifier: Apache-2.0
// Reads, writes and lists objects of a store, and says what each job cost: what storage.py measures
// beside its peers, which do the same (storage_peer.py).
//
// storage_client URI CONCURRENCY, then a job per line on standard input:
//   read KEY SIZE · write KEY PAYLOAD · ranges KEY LENGTH OFFSETS · vector KEY LENGTH OFFSETS ·
//   read-many PREFIX COUNT SIZE · write-many PREFIX COUNT SIZE PAYLOAD · list PREFIX
// PAYLOAD is a file with the bytes to write, OFFSETS one with a number per line. The word "check"
// before a job asks for the SHA-256 of what was read; hashing is no part of what is timed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"

namespace {

using cnf::storage::FetchOptions;
using cnf::storage::FetchRequest;

// User and system time of this process, in seconds.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::uint64_t> numbers_in(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::uint64_t> out;
  for (std::uint64_t number = 0; file >> number;) out.push_back(number);
  if (out.empty()) throw std::runtime_error(path + ": there is no number in it");
  return out;
}

std::string numbered(const std::string& prefix, std::size_t number) {
  return fmt::format("{}{:05}", prefix, number);
}

/// A job with its memory and its list of requests made, so that the work alone is timed.
struct Job {
  std::function<std::uint64_t(const cnf::Context&)>
      work;  // answers a count: of bytes or of objects
  cnf::ByteSpan read = {};
};

class Client {
 public:
  Client(const std::string& uri, unsigned concurrency)
      : storage_(cnf::storage::from_uri(uri, options(concurrency))), concurrency_(concurrency) {}

  Job prepare(const std::string& name, std::istringstream& words);

 private:
  static cnf::storage::Options options(unsigned concurrency) {
    cnf::storage::Options out;
    out.concurrency = concurrency;
    return out;
  }
  cnf::MutableByteSpan memory(std::uint64_t size);
  cnf::ByteSpan payload(const std::string& path);
  Job fetch(std::vector<FetchRequest> requests, cnf::ByteSpan into, std::uint64_t gap);
  Job read(std::istringstream& words);
  Job write(std::istringstream& words);
  Job ranges(std::istringstream& words, std::uint64_t gap);
  Job read_many(std::istringstream& words);
  Job write_many(std::istringstream& words);
  Job list(std::istringstream& words);

  std::shared_ptr<cnf::storage::Storage> storage_;
  unsigned concurrency_;
  cnf::Buffer memory_;
  std::string payload_path_;
  cnf::Buffer payload_;
};

// Memory that was touched before: what the system takes for fresh pages is not the store's work.
cnf::MutableByteSpan Client::memory(std::uint64_t size) {
  if (memory_.size() < size) {
    memory_.resize(size);
    std::memset(memory_.data(), 1, size);
  }
  return memory_.span().first(size);
}

cnf::ByteSpan Client::payload(const std::string& path) {
  if (path != payload_path_) {
    const cnf::storage::MappedFile file(path);
    payload_ = cnf::Buffer::copy_of(file.bytes());
    payload_path_ = path;
  }
  return payload_;
}

Job Client::fetch(std::vector<FetchRequest> requests, cnf::ByteSpan into, std::uint64_t gap) {
  const auto work = [this, requests = std::move(requests), size = into.size(),
                     gap](const cnf::Context& context) mutable {
    storage_->fetch(requests, context, {}, FetchOptions{.gap = gap});
    return size;
  };
  return {work, into};
}

Job Client::read(std::istringstream& words) {
  std::string key;
  std::uint64_t size = 0;
  words >> key >> size;
  const auto into = memory(size);
  return fetch({FetchRequest{.key = key, .into = into}}, into, 0);
}

Job Client::write(std::istringstream& words) {
  std::string key, path;
  words >> key >> path;
  const auto bytes = payload(path);
  const auto work = [this, key, bytes](const cnf::Context& context) {
    return storage_->put(key, bytes, {.size_hint = bytes.size()}, context).size;
  };
  return {work};
}

Job Client::ranges(std::istringstream& words, std::uint64_t gap) {
  std::string key, offsets;
  std::uint64_t length = 0;
  words >> key >> length >> offsets;
  std::vector<FetchRequest> requests;
  const auto numbers = numbers_in(offsets);
  const auto into = memory(length * numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    requests.push_back(
        {.key = key, .offset = numbers[i], .into = into.subspan(i * length, length)});
  }
  return fetch(std::move(requests), into, gap);
}

Job Client::read_many(std::istringstream& words) {
  std::string prefix;
  std::uint64_t count = 0, size = 0;
  words >> prefix >> count >> size;
  std::vector<FetchRequest> requests;
  const auto into = memory(count * size);
  for (std::size_t i = 0; i < count; ++i) {
    requests.push_back({.key = numbered(prefix, i), .into = into.subspan(i * size, size)});
  }
  return fetch(std::move(requests), into, 0);
}

Job Client::write_many(std::istringstream& words) {
  std::string prefix, path;
  std::uint64_t count = 0, size = 0;
  words >> prefix >> count >> size >> path;
  const auto bytes = payload(path);
  const auto work = [this, prefix, count, size, bytes](const cnf::Context& context) {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < concurrency_; ++i) {
      threads.emplace_back([&] {
        for (std::size_t k = next++; k < count; k = next++) {
          storage_->put(numbered(prefix, k), bytes.subspan(k * size, size), {}, context);
        }
      });
    }
    threads.clear();
    return count;
  };
  return {work};
}

Job Client::list(std::istringstream& words) {
  std::string prefix;
  words >> prefix;
  const auto work = [this, prefix](const cnf::Context& context) {
    std::uint64_t count = 0;
    auto listing = storage_->list({.prefix = prefix}, context);
    while (listing.next()) ++count;
    return count;
  };
  return {work};
}

Job Client::prepare(const std::string& name, std::istringstream& words) {
  if (name == "read") return read(words);
  if (name == "write") return write(words);
  if (name == "ranges") return ranges(words, 1);  // a gap of 0 would be the store's own
  if (name == "vector") return ranges(words, 0);
  if (name == "read-many") return read_many(words);
  if (name == "write-many") return write_many(words);
  if (name == "list") return list(words);
  throw std::runtime_error(name + ": there is no such job");
}

void answer(Client& client, const std::string& line) {
  std::istringstream words(line);
  std::string name;
  words >> name;
  const bool check = name == "check";
  if (check) words >> name;
  const auto job = client.prepare(name, words);
  if (words.fail()) throw std::runtime_error(line + ": something is missing");
  const auto accounting = std::make_shared<cnf::Accounting>();
  const auto context = cnf::Context().with_accounting(accounting);
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const auto count = job.work(context);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const double used = cpu_seconds() - cpu;
  const auto usage = accounting->snapshot();
  const std::string hash = check && !job.read.empty() ? cnf::to_hex(cnf::sha256(job.read)) : "";
  std::cout
      << fmt::format(
             R"({{"cpu": {:.6f}, "wall": {:.6f}, "count": {}, "requests": {}, "sha256": "{}"}})",
             used, wall.count(), count, usage.total_requests(), hash)
      << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::cerr << "usage: storage_client URI CONCURRENCY\n";
      return 2;
    }
    Client client(argv[1], static_cast<unsigned>(std::stoul(argv[2])));
    for (std::string line; std::getline(std::cin, line);) answer(client, line);
  } catch (const std::exception& error) {
    std::cerr << "storage_client: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
