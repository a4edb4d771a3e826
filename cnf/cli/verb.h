// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace cnf::cli {

class Session;

/// The call itself is wrong: the program ends with exit status 2 and this one line.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `text` as a decimal integer of at least `least`; `name` says whose value it is. Throws
/// UsageError.
[[nodiscard]] std::int64_t parse_integer(const std::string& name, const std::string& text,
                                         std::int64_t least);

/// `text` as a number of base pairs of at least 1: "1000000", "1000k" and "1M" are the same. Throws
/// UsageError.
[[nodiscard]] std::uint64_t parse_base_pairs(const std::string& name, const std::string& text);

/// What a verb does, once all options are read; returns the exit status (exit_status.h).
using Body = std::function<int(Session&)>;

/// A verb of the program, or a group of verbs such as `cnf bams3`: its options, its help, its body.
///
/// Values are written while the command line is read, so they must live until the body ran: keep
/// them in a shared_ptr that the body holds. An option may stand before or after the verb's
/// arguments; of one that is given twice, the last holds. The parser (CLI11) is known to verb.cc
/// alone, because it costs seconds in every file that includes it.
class Verb {
 public:
  Verb(CLI::App& app, Body& chosen) : app_(&app), chosen_(&chosen) {}

  /// A verb below this one. `details` follows the options in `--help`: paragraphs and examples, as
  /// they are to be printed, lines of at most 80 characters.
  [[nodiscard]] Verb add(const std::string& name, const std::string& summary,
                         const std::string& details = {});
  /// Verbs below this one, one of which must be given.
  [[nodiscard]] Verb add_group(const std::string& name, const std::string& summary,
                               const std::string& details = {});

  // Arguments by position, in the order of these calls.
  void argument(const std::string& name, std::string& value, const std::string& help);
  void optional_argument(const std::string& name, std::string& value, const std::string& help);
  /// All that follow; at least `at_least` of them.
  void arguments(const std::string& name, std::vector<std::string>& values, const std::string& help,
                 int at_least = 0);

  // Options: `names` is "-r,--recursive", `value_name` is what the help calls the value.
  void flag(const std::string& names, bool& value, const std::string& help);
  void option(const std::string& names, const std::string& value_name, std::string& value,
              const std::string& help);
  /// May be given more than once.
  void option(const std::string& names, const std::string& value_name,
              std::vector<std::string>& values, const std::string& help);
  /// A decimal integer of at least `least`; anything else is a UsageError.
  void option(const std::string& names, const std::string& value_name, std::int64_t& value,
              const std::string& help, std::int64_t least = 0);
  void option(const std::string& names, const std::string& value_name,
              std::optional<std::int64_t>& value, const std::string& help, std::int64_t least = 0);
  /// For values of any other kind; `set` throws UsageError or Error invalid_argument on a bad one.
  void option(const std::string& names, const std::string& value_name,
              const std::function<void(const std::string&)>& set, const std::string& help);
  /// One of `choices`.
  void choice(const std::string& names, std::string& value, std::vector<std::string> choices,
              const std::string& help);

  void run(Body body);

 private:
  CLI::App* app_;
  Body* chosen_;
};

/// The command line of the whole program.
class CommandLine {
 public:
  CommandLine(const std::string& summary, const std::string& version, const std::string& details);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Its options are common to all verbs and may stand before or after them.
  [[nodiscard]] Verb root();

  /// The body of the verb that was asked for; nullopt after `--help` or `--version`, whose text is
  /// then on stdout. Throws UsageError.
  [[nodiscard]] std::optional<Body> parse(int argc, const char* const* argv);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::cli
