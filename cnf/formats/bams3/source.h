// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"

namespace cnf::bams3 {

/// Records in some order, one at a time. Threads: one at a time.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  [[nodiscard]] virtual const Header& header() const = 0;
  /// Appends the next record to `batch`, checked; false at the end. Throws Error corrupt_data that
  /// names the input and the record's number (from 1).
  [[nodiscard]] virtual bool next(RecordBatch& batch) = 0;
  /// What messages call it: a path, a URI.
  [[nodiscard]] virtual std::string name() const { return "input"; }
  /// Bytes of the input consumed so far, as stored (compressed), for progress; 0 if not known.
  [[nodiscard]] virtual std::uint64_t consumed() const { return 0; }
};

struct SourceOptions {
  std::string reference = {};     ///< FASTA for CRAM input; empty: only what the CRAM embeds.
  storage::Options storage = {};  ///< For input from a store.
};

/// Opens SAM, BAM or CRAM, plain or compressed, by content: a path, a URI of any store, or "-" for
/// standard input. Records of BAM come through byte by byte, unparsed; those of SAM and CRAM get
/// the binary form that htslib gives them. What samtools 1.16 reads is read, what it refuses is
/// refused, but for SAM's references and positions beyond 2^31 - 1, which BAM cannot hold.
///
/// A CRAM's reference is never fetched from a network: it is options.reference, what the file
/// embeds, a local file that its UR: fields name, or what REF_PATH (htslib's own variable) finds if
/// no URL stands in it. An index that a FASTA lacks (.fai) is made beside it, as samtools does.
///
/// The first call turns htslib's own messages off (hts_set_log_level) for the whole process, for
/// they would go to stderr; a program that wants them may turn them on again after it.
///
/// Throws Error not_found, permission_denied, corrupt_data (not an alignment file, truncated),
/// unsupported (positions as above, other compression), and what the store throws; cancelled or
/// deadline_exceeded within a fraction of a second, also while a pipe or a store gives nothing.
[[nodiscard]] std::unique_ptr<RecordSource> open_source(const std::string& uri,
                                                        const SourceOptions& options,
                                                        const Context& context);

/// How the records of a dataset are ordered.
enum class Order : std::uint8_t {
  coordinate,  ///< samtools sort: reference, position, strand; unplaced last; stable.
  keep,        ///< As they come.
  name,        ///< samtools sort -n: natural order of names, then read 1 before read 2.
};

struct SortOptions {
  Order order = Order::coordinate;
  /// Bytes for records that are held, and later for reading runs. A sort takes at least some blocks
  /// of 4 KiB, and a few times the largest record.
  std::uint64_t memory = std::uint64_t{1} << 30;
  std::filesystem::path temporary = {};  ///< Folder for runs; empty: the system's.
};

/// A source that declares SO:coordinate is not in that order; says which record and what to do.
class NotInOrder : public Error {
 public:
  using Error::Error;
};

/// A source whose records come in the order that was asked for.
class SortedSource : public RecordSource {
 public:
  /// True if records left the order of the input; known when next() has returned false.
  [[nodiscard]] virtual bool moved() const = 0;
};

/// Puts a source in order. Input that is already in coordinate order by (reference, position) is
/// never reordered, whatever its header says; if it also declares SO:coordinate it streams through,
/// and the first record out of place throws NotInOrder (open it again with `trust_header` false).
/// Otherwise records are held up to `memory` bytes, then spilled as runs of zstd-1 compressed raw
/// records and merged. Runs lie in one file without a name, so that nothing stays behind even if
/// the process is killed. The first next() reads all of the source, unless it streams through.
/// Throws what the source throws, and out_of_space.
/// \param trust_header  stream what declares SO:coordinate instead of sorting it.
[[nodiscard]] std::unique_ptr<SortedSource> sort_source(std::unique_ptr<RecordSource> source,
                                                        const SortOptions& options,
                                                        bool trust_header, const Context& context);

}  // namespace cnf::bams3
