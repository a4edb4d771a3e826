// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cnf/core/storage/forecast.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/transfer_plan_internal.h"

namespace cnf::storage {
namespace {

struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t length() const noexcept { return end - begin; }
};

Extent extent_of(const FetchRequest& request) {
  return {request.offset, request.offset + request.into.size()};
}

// Equal parts, none longer than `max`, and no sliver at the end.
void append_split(const Extent& extent, std::uint64_t max, std::vector<Extent>& out) {
  const std::uint64_t parts = (extent.length() - 1) / max + 1;
  const std::uint64_t step = (extent.length() - 1) / parts + 1;
  for (std::uint64_t begin = extent.begin; begin < extent.end;) {
    const std::uint64_t end = begin + std::min(step, extent.end - begin);
    out.push_back({begin, end});
    begin = end;
  }
}

// The unions of ranges that touch or overlap, in ascending order.
std::vector<Extent> unite(std::span<const FetchRequest> requests,
                          std::span<const std::size_t> group) {
  std::vector<Extent> united;
  for (const std::size_t index : group) {
    const Extent extent = extent_of(requests[index]);
    if (!united.empty() && extent.begin <= united.back().end) {
      united.back().end = std::max(united.back().end, extent.end);
    } else {
      united.push_back(extent);
    }
  }
  return united;
}

// What to send: unions joined over small gaps, or split where longer than a request may be. Only
// a union without gaps is ever split, so each extent begins and ends with a wanted byte.
std::vector<Extent> extents_to_send(const std::vector<Extent>& united, const PlanLimits& limits) {
  std::vector<Extent> extents;
  Extent current = united.front();
  std::uint64_t dropped = 0;  // bytes of the gaps in it
  for (const Extent& next : std::span(united).subspan(1)) {
    const std::uint64_t gap = next.begin - current.end;
    const std::uint64_t length = next.end - current.begin;
    const bool worth = gap <= limits.small_gap || dropped + gap <= length / 2;
    if (gap <= limits.gap && worth && length <= limits.max_request) {
      current.end = next.end;
      dropped += gap;
    } else {
      append_split(current, limits.max_request, extents);
      current = next;
      dropped = 0;
    }
  }
  append_split(current, limits.max_request, extents);
  return extents;
}

// Fills one transfer, request by request in ascending order of offsets.
class Scatter {
 public:
  Scatter(const Extent& extent, Transfer& transfer, TransferPlan::Share& share)
      : filled_(extent.begin), transfer_(transfer), share_(share) {}

  // `into` wants [begin, end) of this transfer; the bytes below `covered` have an owner already.
  void add(std::size_t index, const Extent& part, std::byte* into, std::uint64_t covered) {
    share_.requests.push_back(index);
    const std::uint64_t own = std::clamp(covered, part.begin, part.end);
    copy_from_owners({part.begin, own}, into);
    if (own == part.end) return;
    const MutableByteSpan mine(into + (own - part.begin), part.end - own);
    transfer_.pieces.push_back({own - filled_, mine});
    starts_.push_back(own);
    filled_ = part.end;
  }

 private:
  void copy_from_owners(Extent wanted, std::byte* into) {
    if (wanted.length() == 0) return;
    auto piece = static_cast<std::size_t>(
        std::upper_bound(starts_.begin(), starts_.end(), wanted.begin) - starts_.begin() - 1);
    for (; wanted.begin < wanted.end; ++piece) {
      const MutableByteSpan owner = transfer_.pieces[piece].into;
      const std::uint64_t skip = wanted.begin - starts_[piece];
      const std::uint64_t size = std::min(owner.size() - skip, wanted.length());
      share_.copies.push_back({owner.data() + skip, into, size});
      wanted.begin += size;
      into += size;
    }
  }

  std::uint64_t filled_;  // where the last piece ends
  Transfer& transfer_;
  TransferPlan::Share& share_;
  std::vector<std::uint64_t> starts_;  // of each piece, offsets in the object
};

// Plans requests for one object, sorted by offset and, from one offset, the longest first.
void plan_group(std::span<const FetchRequest> requests, std::span<const std::size_t> group,
                const PlanLimits& limits, TransferPlan& plan) {
  const std::vector<Extent> extents = extents_to_send(unite(requests, group), limits);
  const FetchRequest& object = requests[group.front()];
  const std::size_t first = plan.transfers.size();
  for (const Extent& extent : extents) {
    plan.transfers.push_back({object.key, object.etag, extent.begin, extent.length(), {}});
  }
  plan.shares.resize(plan.transfers.size());
  std::vector<Scatter> scatters;
  scatters.reserve(extents.size());
  for (std::size_t i = 0; i < extents.size(); ++i) {
    scatters.emplace_back(extents[i], plan.transfers[first + i], plan.shares[first + i]);
  }

  std::size_t lowest = 0;  // the first extent that a request from here on can want bytes of
  std::uint64_t covered = 0;
  for (const std::size_t index : group) {
    const Extent wanted = extent_of(requests[index]);
    while (extents[lowest].end <= wanted.begin) ++lowest;
    for (std::size_t i = lowest; i < extents.size() && extents[i].begin < wanted.end; ++i) {
      const Extent part{std::max(wanted.begin, extents[i].begin),
                        std::min(wanted.end, extents[i].end)};
      std::byte* const into = requests[index].into.data() + (part.begin - wanted.begin);
      scatters[i].add(index, part, into, covered);
    }
    covered = std::max(covered, wanted.end);
  }
}

// Calls visit(group) for the requests of each object, in the order that plan_group needs.
template <typename Visit>
void for_each_group(std::span<const FetchRequest> requests, std::vector<std::size_t> which,
                    Sharing sharing, Visit&& visit) {
  const auto rank = [&](std::size_t index) {
    const FetchRequest& r = requests[index];
    const std::uint64_t longest_first = ~std::uint64_t{r.into.size()};
    return std::tuple(std::string_view(r.key), std::string_view(r.etag), r.offset, longest_first,
                      index);
  };
  std::sort(which.begin(), which.end(),
            [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  const auto same_group = [&](std::size_t a, std::size_t b) {
    return sharing == Sharing::together && requests[a].key == requests[b].key &&
           requests[a].etag == requests[b].etag;
  };
  for (std::size_t begin = 0; begin < which.size();) {
    std::size_t end = begin + 1;
    while (end < which.size() && same_group(which[begin], which[end])) ++end;
    visit(std::span<const std::size_t>(which).subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace

TransferPlan plan_transfers(std::span<const FetchRequest> requests, std::vector<std::size_t> which,
                            const PlanLimits& limits, Sharing sharing) {
  TransferPlan plan;
  for_each_group(requests, std::move(which), sharing, [&](std::span<const std::size_t> group) {
    plan_group(requests, group, limits, plan);
  });
  return plan;
}

Forecast forecast_fetch(std::span<const FetchRequest> requests, const ReadProfile& profile) {
  const PlanLimits limits{.gap = profile.gap,
                          .max_request = std::max(profile.max_request, std::uint64_t{1}),
                          .small_gap = profile.small_gap};
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::uint64_t size = requests[i].into.size();
    const bool has_end = requests[i].offset <= std::numeric_limits<std::uint64_t>::max() - size;
    if (size > 0 && has_end) which.push_back(i);
  }
  Forecast forecast;
  for_each_group(requests, std::move(which), Sharing::together,
                 [&](std::span<const std::size_t> group) {
                   for (const Extent& extent : extents_to_send(unite(requests, group), limits)) {
                     ++forecast.requests;
                     forecast.bytes += extent.length();
                   }
                 });
  return forecast;
}

}  // namespace cnf::storage
