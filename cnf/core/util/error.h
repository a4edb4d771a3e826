// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cnf {

/// What went wrong, as far as a caller can act on it. In Python each becomes the exception named
/// here.
enum class Errc : std::uint8_t {
  not_found,       ///< FileNotFoundError: no such object, dataset, sample or contig.
  already_exists,  ///< FileExistsError: the target is there and replacing it was not asked for.
  precondition_failed,  ///< cnf.PreconditionError: somebody else changed the object first.
  invalid_argument,     ///< ValueError: the call itself is wrong.
  corrupt_data,         ///< cnf.CorruptDataError: bytes contradict the format or a checksum.
  permission_denied,    ///< PermissionError: the store knows the caller and says no.
  unauthenticated,      ///< PermissionError: the store does not accept the credentials.
  throttled,            ///< ConnectionError: the store asks to slow down, and retries gave up.
  unavailable,          ///< ConnectionError: transient, and retries gave up.
  deadline_exceeded,    ///< TimeoutError: the Context's deadline passed.
  cancelled,            ///< KeyboardInterrupt: the Context's stop token was set.
  unsupported,          ///< NotImplementedError: well-formed, but not handled by this version.
  out_of_space,         ///< OSError: no room on the store or on the disk.
  internal,             ///< RuntimeError: a bug in cnf.
};

[[nodiscard]] std::string_view to_string(Errc code) noexcept;

/// The one exception that crosses a public boundary of this library.
///
/// `what()` is one line: what was being done, to which object, why it failed, and what to do about
/// it, e.g. "decode s3://b/k@4096: crc32c 0x12, index says 0x9a; fetch the object again".
class Error : public std::runtime_error {
 public:
  /// \param doing    the verb, in the infinitive: "decode", "open", "commit".
  /// \param subject  URI or `path@offset`; never a credential or a signed query string.
  /// \param why      what was found instead of what was expected.
  /// \param remedy   what the user can do; may be empty.
  Error(Errc code, std::string_view doing, std::string_view subject, std::string_view why,
        std::string_view remedy = {});

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

  /// True if the same call may succeed later: throttled or unavailable.
  [[nodiscard]] bool is_transient() const noexcept {
    return code_ == Errc::throttled || code_ == Errc::unavailable;
  }

 private:
  Errc code_;
  std::string subject_;
};

}  // namespace cnf
