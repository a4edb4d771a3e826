// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/error.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace cnf {
namespace {

// Parts of the message come from servers and files: a control character among them must not break
// the promise of one line, nor reach a terminal.
std::string one_line(std::string text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text;
}

std::string compose(std::string_view doing, std::string_view subject, std::string_view why,
                    std::string_view remedy) {
  std::string text(doing);
  if (!subject.empty()) text.append(" ").append(subject);
  if (!why.empty()) text.append(": ").append(why);
  if (!remedy.empty()) text.append("; ").append(remedy);
  return one_line(std::move(text));
}

}  // namespace

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::precondition_failed:
      return "precondition_failed";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::corrupt_data:
      return "corrupt_data";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::throttled:
      return "throttled";
    case Errc::unavailable:
      return "unavailable";
    case Errc::deadline_exceeded:
      return "deadline_exceeded";
    case Errc::cancelled:
      return "cancelled";
    case Errc::unsupported:
      return "unsupported";
    case Errc::out_of_space:
      return "out_of_space";
    case Errc::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(Errc code, std::string_view doing, std::string_view subject, std::string_view why,
             std::string_view remedy)
    : std::runtime_error(compose(doing, subject, why, remedy)), code_(code), subject_(subject) {}

}  // namespace cnf
