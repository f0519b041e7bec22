# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Loops behind `splicebert.intervals`, which checks everything that these functions trust.

Features are kept as a compressed table: group ``g = contig * n_names + column`` owns the rows
``offsets[g]:offsets[g + 1]`` of ``starts`` and ``ends``. Inside a group the intervals are sorted
and disjoint, so starts and ends both ascend and one bisection finds a window's first feature.
That holds however deeply the original features were nested, because the answer is only "is this
base covered", and it lets windows come in any order without being sorted.
"""

from libc.stdint cimport int64_t, uint8_t


def merge_sorted(
    const int64_t[::1] group,
    const int64_t[::1] start,
    const int64_t[::1] end,
    int64_t[::1] offsets,
    int64_t[::1] merged_start,
    int64_t[::1] merged_end,
):
    """Unite overlapping and touching intervals of each group.

    Parameters
    ----------
    group, start, end : int64 (n_features,), sorted by group, then start; start < end, 0-based
    offsets : int64 (n_groups + 1,), written: rows of group g are offsets[g]:offsets[g + 1]
    merged_start, merged_end : int64 (n_features,), written; rows past the returned count are not

    Returns
    -------
    int
        Number of merged intervals.
    """
    cdef Py_ssize_t i, n = start.shape[0], count = 0
    cdef Py_ssize_t g, n_groups = offsets.shape[0] - 1
    cdef int64_t last = -1

    with nogil:
        for g in range(n_groups + 1):
            offsets[g] = 0
        for i in range(n):
            if group[i] == last and start[i] <= merged_end[count - 1]:
                if end[i] > merged_end[count - 1]:
                    merged_end[count - 1] = end[i]
                continue
            last = group[i]
            merged_start[count] = start[i]
            merged_end[count] = end[i]
            offsets[last + 1] += 1
            count += 1
        for g in range(n_groups):
            offsets[g + 1] += offsets[g]
    return count


cdef inline Py_ssize_t first_ending_after(
    const int64_t[::1] ends, Py_ssize_t low, Py_ssize_t high, int64_t position
) noexcept nogil:
    """First row of the ascending ends[low:high] with end > position; high if there is none."""
    cdef Py_ssize_t middle
    while low < high:
        middle = low + (high - low) // 2
        if ends[middle] > position:
            high = middle
        else:
            low = middle + 1
    return low


cdef inline void paint_column(
    const int64_t[::1] starts,
    const int64_t[::1] ends,
    Py_ssize_t low,
    Py_ssize_t high,
    int64_t origin,
    bint flip,
    uint8_t[:, ::1] rows,
    Py_ssize_t column,
) noexcept nogil:
    """Set one column of one window (length, n_names) from the feature rows low:high."""
    cdef Py_ssize_t i, p, left, right, length = rows.shape[0]
    for i in range(first_ending_after(ends, low, high, origin), high):
        if starts[i] >= origin + length:
            break
        left = max(starts[i] - origin, 0)
        right = min(ends[i] - origin, length)
        if flip:
            # [left, right) read from the other end of the window
            left, right = length - right, length - left
        for p in range(left, right):
            rows[p, column] = 1


def paint(
    const int64_t[::1] offsets,
    const int64_t[::1] starts,
    const int64_t[::1] ends,
    const int64_t[::1] contig,
    const int64_t[::1] window_start,
    const uint8_t[::1] flip,
    uint8_t[:, :, ::1] out,
):
    """Set out[w, p, k] = 1 where a feature of column k covers base p of window w.

    Parameters
    ----------
    offsets : int64 (n_contigs * n_names + 1,), see the module
    starts, ends : int64 (n_merged,), 0-based half-open
    contig : int64 (n_windows,), -1 where no feature lies on the window's contig
    window_start : int64 (n_windows,), may be negative
    flip : uint8 (n_windows,), 1 = write base p to row length - 1 - p
    out : uint8 (n_windows, length, n_names), all 0 at the start
    """
    cdef Py_ssize_t w, k, group, n_windows = out.shape[0], n_names = out.shape[2]

    with nogil:
        for w in range(n_windows):
            if contig[w] < 0:
                continue
            for k in range(n_names):
                group = contig[w] * n_names + k
                paint_column(
                    starts, ends, offsets[group], offsets[group + 1],
                    window_start[w], flip[w], out[w], k,
                )
