//! Tesseract's C interface, found at run time.
//!
//! The product builds and runs without Tesseract; only scans need it. So the library is not linked but opened when the
//! first scan arrives, and its absence is an ordinary answer that names the package to install. The functions below are
//! declared by hand after `capi.h` of Tesseract 5, whose interface has been stable since version 4.
//!
//! This is the one module of the crate with unsafe code. What it promises: the function pointers are valid as long as
//! the value that holds them, because it holds the library too.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_float, c_int, c_void};

use libloading::Library;

use super::OcrError;

pub(super) type Pointer = *mut c_void;

/// Names under which systems keep the library.
const LIBRARY_NAMES: &[&str] = &[
    "libtesseract.so.5",
    "libtesseract.5.dylib",
    "/opt/homebrew/lib/libtesseract.5.dylib",
    "/usr/local/lib/libtesseract.5.dylib",
];

/// Levels of Tesseract's result iterator.
pub(super) const LEVEL_LINE: c_int = 2;
pub(super) const LEVEL_WORD: c_int = 3;
/// "Only the LSTM engine", the one that the installed language files are for.
pub(super) const ENGINE_LSTM: c_int = 1;
/// "Fully automatic page segmentation, but no orientation detection". The C interface defaults to a single block,
/// which finds an eighth fewer of a page's words.
pub(super) const SEGMENT_PAGE: c_int = 3;
/// "A single uniform block of text": for pages whose layout the former cannot make out.
pub(super) const SEGMENT_BLOCK: c_int = 6;
/// "A single column of text of variable sizes".
pub(super) const SEGMENT_COLUMN: c_int = 4;
/// "A single text line".
pub(super) const SEGMENT_LINE: c_int = 7;

macro_rules! functions {
    ($($field:ident: $symbol:literal = fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The opened library and the functions that are used of it.
        pub(super) struct Tesseract {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Keeps the functions mapped; dropped last.
            _library: Library,
        }

        impl Tesseract {
            fn from_library(library: Library) -> Result<Tesseract, libloading::Error> {
                // SAFETY: the signatures are those of `capi.h`, and the pointers live no longer than the library.
                unsafe { Ok(Tesseract { $($field: *library.get($symbol)?,)* _library: library }) }
            }
        }
    };
}

functions! {
    version: b"TessVersion\0" = fn() -> *const c_char;
    create: b"TessBaseAPICreate\0" = fn() -> Pointer;
    delete: b"TessBaseAPIDelete\0" = fn(Pointer);
    init: b"TessBaseAPIInit2\0" = fn(Pointer, *const c_char, *const c_char, c_int) -> c_int;
    set_variable: b"TessBaseAPISetVariable\0" = fn(Pointer, *const c_char, *const c_char) -> c_int;
    set_segmentation: b"TessBaseAPISetPageSegMode\0" = fn(Pointer, c_int);
    set_image: b"TessBaseAPISetImage\0" = fn(Pointer, *const u8, c_int, c_int, c_int, c_int);
    set_resolution: b"TessBaseAPISetSourceResolution\0" = fn(Pointer, c_int);
    recognize: b"TessBaseAPIRecognize\0" = fn(Pointer, Pointer) -> c_int;
    clear: b"TessBaseAPIClear\0" = fn(Pointer);
    iterator: b"TessBaseAPIGetIterator\0" = fn(Pointer) -> Pointer;
    iterator_delete: b"TessResultIteratorDelete\0" = fn(Pointer);
    iterator_next: b"TessResultIteratorNext\0" = fn(Pointer, c_int) -> c_int;
    iterator_text: b"TessResultIteratorGetUTF8Text\0" = fn(Pointer, c_int) -> *mut c_char;
    iterator_confidence: b"TessResultIteratorConfidence\0" = fn(Pointer, c_int) -> c_float;
    iterator_page: b"TessResultIteratorGetPageIterator\0" = fn(Pointer) -> Pointer;
    bounding_box: b"TessPageIteratorBoundingBox\0"
        = fn(Pointer, c_int, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int;
    delete_text: b"TessDeleteText\0" = fn(*mut c_char);
}

impl Tesseract {
    /// Finds and opens the library.
    ///
    /// # Errors
    /// [`OcrError::NotInstalled`] where there is none, or one that lacks a function.
    pub(super) fn open() -> Result<Tesseract, OcrError> {
        for name in LIBRARY_NAMES {
            // SAFETY: loading runs the library's initialisers; Tesseract's have no preconditions.
            let Ok(library) = (unsafe { Library::new(*name) }) else { continue };
            if let Ok(tesseract) = Tesseract::from_library(library) {
                return Ok(tesseract);
            }
        }
        Err(OcrError::NotInstalled)
    }

    /// The version, as `5.3.0`.
    pub(super) fn version(&self) -> String {
        // SAFETY: the function returns a static string.
        unsafe { CStr::from_ptr((self.version)()) }.to_string_lossy().into_owned()
    }
}

/// Tells the OpenMP run time under Tesseract to use this thread alone.
///
/// Its threads spin while they wait and triple the CPU for little gain. Tesseract asks for four of them by number, so
/// only two things help: the variable `OMP_THREAD_LIMIT`, which is read when the library is loaded, and forbidding this
/// thread to open parallel regions at all, which is done here. It has no effect where the run time has another name.
pub(super) fn use_one_thread() {
    let names = ["libgomp.so.1", "libomp.so.5", "libomp.dylib"];
    // SAFETY: the function takes an int and returns nothing.
    unsafe { tell::<()>(&names, b"omp_set_max_active_levels\0", 0) }
}

/// Tells Leptonica, which Tesseract sees pictures with, to keep its warnings to itself: it writes them to standard error,
/// for pages that are read all the same.
pub(super) fn silence_leptonica() {
    const NO_MESSAGES: c_int = 6;
    let names = [
        "libleptonica.so.6",
        "liblept.so.5",
        "libleptonica.6.dylib",
        "/opt/homebrew/lib/libleptonica.6.dylib",
    ];
    // SAFETY: the function takes an int and returns the one before.
    unsafe { tell::<c_int>(&names, b"setMsgSeverity\0", NO_MESSAGES) }
}

/// Calls a function of the first of these libraries that there is; nothing where there is none, or it has no such function.
///
/// # Safety
/// The libraries are ones that Tesseract has already loaded, and the function has this signature.
unsafe fn tell<R>(names: &[&str], function: &[u8], value: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        let library = names.iter().find_map(|name| Library::new(*name).ok());
        if let Some(Ok(call)) =
            library.as_ref().map(|library| library.get::<unsafe extern "C" fn(c_int) -> R>(function))
        {
            call(value);
        }
    }
}
