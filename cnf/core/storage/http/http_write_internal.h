// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

// Writing as every store that speaks HTTP does it, whether in one request or in parts.
namespace cnf::storage {

/// One write of one object.
struct ObjectWrite {
  std::string key;
  std::string uri;  ///< For errors.
  WriteOptions options;
  Context context;
  /// Random. It travels with the object as metadata: so a write whose answer was lost is known
  /// again.
  std::string mark;
};

/// Throws Error invalid_argument if the content type has a character that no header can have.
[[nodiscard]] ObjectWrite begin_write(std::string_view key, std::string uri,
                                      const WriteOptions& options, const Context& context);

/// The provider's own words for what a write may find gone.
struct GoneCodes {
  std::string_view object;       ///< "NoSuchKey": the object that if_match named.
  std::string_view upload = {};  ///< "NoSuchUpload": the parts, for they are an object by now.
};

/// The object on the store, if it has the write's mark; one request.
using FindOwn = std::function<std::optional<FileInfo>()>;

/// What the answer means that decides a write, which may be a refusal of its condition. The
/// refusal of a request that went out twice may be the echo of its own success: then `find_own`
/// decides.
/// \param size  of the object that was written.
/// \return      ETag and time as the answer's head tells them; they are empty if it does not.
/// Throws Error already_exists (if_absent), precondition_failed (if_match), or the outcome's own.
[[nodiscard]] FileInfo conclude_write(const ObjectWrite& write, const HttpOutcome& outcome,
                                      std::uint64_t size, const GoneCodes& gone,
                                      const FindOwn& find_own);

}  // namespace cnf::storage
