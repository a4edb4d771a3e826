// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace cnf::cli {

class Verb;

/// Adds a verb, or a group of them, to the command line.
using AddVerb = void (*)(Verb& root);

/// Reads the command line, runs the verb that it names, and returns the exit status; all errors
/// have become one line on stderr.
int run_program(int argc, const char* const* argv, std::span<const AddVerb> verbs);

}  // namespace cnf::cli
