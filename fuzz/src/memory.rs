//! An allocator with a limit, which finds small files that request gigabytes, whether or not the memory is used.
//!
//! libFuzzer's own `-malloc_limit_mb` needs a sanitizer's hooks, and `-rss_limit_mb` counts only pages that are touched.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may be allocated at a time: below what a damaged length of 64 bits asks for. (A dictionary of parquet has one
/// of 31 bits, which polars believes.)
const MOST: usize = 3 << 30;

static USED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with at most [`MOST`] bytes: beyond them an allocation fails, which ends the process unless the
/// caller handles it.
pub struct Limited;

impl Limited {
    fn admit(size: usize) -> bool {
        let used = USED.fetch_add(size, Ordering::Relaxed);
        let fits = used.saturating_add(size) <= MOST;
        if !fits {
            USED.fetch_sub(size, Ordering::Relaxed);
        }
        fits
    }

    fn count<T>(size: usize, made: *mut T) -> *mut T {
        if made.is_null() {
            USED.fetch_sub(size, Ordering::Relaxed);
        }
        made
    }
}

// SAFETY: every call goes to the system's allocator with the layout of the caller; a null pointer is the allowed answer to a
// request that cannot be met.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !Self::admit(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the contract of the trait, as above.
        Self::count(layout.size(), unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !Self::admit(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the contract of the trait, as above.
        Self::count(layout.size(), unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the contract of the trait, as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !Self::admit(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: the contract of the trait, as above.
        let made = Self::count(size, unsafe { System.realloc(memory, layout, size) });
        if !made.is_null() {
            USED.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        made
    }
}
