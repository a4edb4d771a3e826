// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/verb.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

// The help of one verb: what it does, how it is called, its arguments and options, then its prose.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(28);
    label("Positionals", "Arguments");
    label("SUBCOMMAND", "VERB");
    label("OPTIONS", "options");
  }

  // The value's name only: whether it is required or repeatable is said in words.
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }

  std::string make_footer(const CLI::App* app) const override {
    std::string text = app->get_footer();
    if (app->get_parent() != nullptr) {
      if (!text.empty()) text += "\n\n";
      text += "Options common to all verbs: cnf --help";
    }
    return text + "\n";
  }
};

// What a person calls the option: its long name where it has one.
std::string spoken(const std::string& names) {
  return names.substr(names.rfind(',') == std::string::npos ? 0 : names.rfind(',') + 1);
}

void set_all(const std::function<void(const std::string&)>& set, const std::string& names,
             const CLI::results_t& values) {
  for (const std::string& value : values) {
    try {
      set(value);
    } catch (const Error& error) {
      throw UsageError(fmt::format("{}: {}", spoken(names), error.what()));
    }
  }
}

// The deepest verb that the command line names: the one whose --help helps.
const CLI::App* deepest(const CLI::App* app) {
  for (;;) {
    const std::vector<CLI::App*> below = app->get_subcommands();
    if (below.empty()) return app;
    app = below.back();
  }
}

std::string full_name(const CLI::App* app) {
  const CLI::App* const parent = app->get_parent();
  return parent == nullptr ? app->get_name() : full_name(parent) + " " + app->get_name();
}

// One line: what is wrong, and where to read how it is right.
UsageError usage_error(const CLI::App& root, std::string what) {
  const CLI::App* const verb = deepest(&root);
  const std::vector<std::string> rest = root.remaining(true);
  if (!rest.empty()) {
    const bool takes_verb = !verb->get_subcommands([](const CLI::App*) { return true; }).empty();
    const auto dash = std::find_if(rest.begin(), rest.end(), [](const std::string& word) {
      return word.size() > 1 && word.front() == '-';
    });
    if (dash != rest.end()) {
      what = fmt::format("there is no option {}", *dash);
    } else if (takes_verb) {
      what = fmt::format("there is no verb \"{}\"", rest.front());
    } else {
      what = fmt::format("\"{}\" is one argument too many", rest.front());
    }
  } else if (what == "A subcommand is required") {
    what = "which verb?";
  }
  return UsageError(fmt::format("{} (try: {} --help)", what, full_name(verb)));
}

}  // namespace

std::int64_t parse_integer(const std::string& name, const std::string& text, std::int64_t least) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < least) {
    throw UsageError(
        fmt::format("{} is a whole number of at least {}, not \"{}\"", name, least, text));
  }
  return value;
}

std::uint64_t parse_base_pairs(const std::string& name, const std::string& text) {
  std::string digits = text;
  std::int64_t unit = 1;
  if (!digits.empty() && (digits.back() == 'M' || digits.back() == 'k' || digits.back() == 'K')) {
    unit = digits.back() == 'M' ? 1'000'000 : 1'000;
    digits.pop_back();
  }
  const std::int64_t number = parse_integer(name, digits, 1);
  if (number > std::numeric_limits<std::int64_t>::max() / unit) {
    throw UsageError(name + ": '" + text + "' is too large");
  }
  return static_cast<std::uint64_t>(number * unit);
}

Verb Verb::add(const std::string& name, const std::string& summary, const std::string& details) {
  CLI::App* const app = app_->add_subcommand(name, summary);
  app->group("Verbs");
  app->fallthrough();
  app->footer(details);
  return {*app, *chosen_};
}

Verb Verb::add_group(const std::string& name, const std::string& summary,
                     const std::string& details) {
  const Verb group = add(name, summary, details);
  group.app_->require_subcommand(1);
  return group;
}

void Verb::argument(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->required()->type_name("");
}

void Verb::optional_argument(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->type_name("");
}

void Verb::arguments(const std::string& name, std::vector<std::string>& values,
                     const std::string& help, int at_least) {
  CLI::Option* const option = app_->add_option(name, values, help)->type_name("");
  if (at_least > 0) option->required()->expected(at_least, CLI::detail::expected_max_vector_size);
}

void Verb::flag(const std::string& names, bool& value, const std::string& help) {
  app_->add_flag(names, value, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Verb::option(const std::string& names, const std::string& value_name, std::string& value,
                  const std::string& help) {
  app_->add_option(names, value, help)
      ->type_name(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Verb::option(const std::string& names, const std::string& value_name,
                  std::vector<std::string>& values, const std::string& help) {
  app_->add_option(names, values, help)->type_name(value_name)->allow_extra_args(false);
}

void Verb::option(const std::string& names, const std::string& value_name, std::int64_t& value,
                  const std::string& help, std::int64_t least) {
  option(
      names, value_name,
      [name = spoken(names), &value, least](const std::string& text) {
        value = parse_integer(name, text, least);
      },
      help);
}

void Verb::option(const std::string& names, const std::string& value_name,
                  std::optional<std::int64_t>& value, const std::string& help, std::int64_t least) {
  option(
      names, value_name,
      [name = spoken(names), &value, least](const std::string& text) {
        value = parse_integer(name, text, least);
      },
      help);
}

void Verb::option(const std::string& names, const std::string& value_name,
                  const std::function<void(const std::string&)>& set, const std::string& help) {
  app_->add_option(
          names,
          [set, names](const CLI::results_t& values) {
            set_all(set, names, values);
            return true;
          },
          help)
      ->type_name(value_name)
      ->type_size(1)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Verb::choice(const std::string& names, std::string& value, std::vector<std::string> choices,
                  const std::string& help) {
  const std::string value_name = fmt::format("{}", fmt::join(choices, "|"));
  option(
      names, value_name,
      [name = spoken(names), value_name, &value,
       choices = std::move(choices)](const std::string& text) {
        if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
          throw UsageError(fmt::format("{} is one of {}, not \"{}\"", name, value_name, text));
        }
        value = text;
      },
      help);
}

void Verb::run(Body body) {
  app_->callback([chosen = chosen_, body = std::move(body)] { *chosen = body; });
}

struct CommandLine::Impl {
  CLI::App app;
  Body chosen;
};

CommandLine::CommandLine(const std::string& summary, const std::string& version,
                         const std::string& details)
    : impl_(std::make_unique<Impl>()) {
  CLI::App& app = impl_->app;
  app.name("cnf");
  app.description(summary);
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("--help", "Say what this verb does and which options it has");
  app.set_version_flag("--version", version, "Say which version of cnf this is");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(details);
}

CommandLine::~CommandLine() = default;

Verb CommandLine::root() { return {impl_->app, impl_->chosen}; }

std::optional<Body> CommandLine::parse(int argc, const char* const* argv) {
  CLI::App& app = impl_->app;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* const verb = deepest(&app);
    std::cout << verb->help(verb == &app ? "" : full_name(verb->get_parent()));
    return std::nullopt;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error.what());
  } catch (const UsageError& error) {
    throw usage_error(app, error.what());
  }
  return impl_->chosen;
}

}  // namespace cnf::cli
