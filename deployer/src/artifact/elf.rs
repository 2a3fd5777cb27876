//! Whether a binary would start on Lambda, read from its ELF file.
//!
//! A binary built on a newer system dies at its start with `GLIBC_2.38 not found`; one for another processor with
//! `exec format error`; one that needs a library that the runtime lacks does not start either. All of it is in the file.

use anyhow::{Context as _, Result, bail, ensure};
use object::elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP, VER_FLG_WEAK};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _, Sym as _};
use object::{Endianness, SymbolIndex};

use crate::config::{Architecture, Config, GlibcVersion};

/// What to do about a binary that would not start.
pub(super) const HINT: &str = "build with a tool that links against older versions of glibc (`pip install cargo-zigbuild`, which is then used automatically), on an older \
     system, or for a `-musl` target; and check `build.target` and `architecture` in `deployer.toml`";

/// The same for what a package brings beside its sources.
pub(super) const HINT_IN_PACKAGE: &str = "install or build it for Lambda: on Linux with an older glibc, for the function's `architecture` in `deployer.toml` or that \
     of `build.target` (pip: `--platform manylinux2014_x86_64 --only-binary=:all:`)";

/// How every ELF file begins.
pub(super) const MAGIC: &[u8] = b"\x7fELF";

/// What a function runs on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runtime {
    architecture: Architecture,
    newest_glibc: GlibcVersion,
}

impl Runtime {
    /// That of the function with this key.
    pub(super) fn of(config: &Config, key: &str) -> Self {
        let architecture = config.functions.get(key).map_or(config.build.architecture(), |found| found.architecture);
        Self { architecture, newest_glibc: config.build.newest_glibc }
    }
}

/// The libraries that the runtime `provided.al2023` brings.
const LIBRARIES: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libgcc_s.so.1",
    "libresolv.so.2",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

type Header = FileHeader64<Endianness>;
type Sections<'data> = object::read::elf::SectionTable<'data, Header>;

/// Checks processor, interpreter, libraries and symbol versions.
///
/// # Errors
/// Returns the first reason why the binary would not start.
pub(super) fn check(binary: &[u8], runtime: Runtime) -> Result<()> {
    let header = Header::parse(binary).context("it is not a 64-bit ELF file")?;
    let endian = header.endian().context("its byte order is unknown")?;
    let interpreter = match runtime.architecture {
        Architecture::Arm => "/lib/ld-linux-aarch64.so.1",
        Architecture::X86 => "/lib64/ld-linux-x86-64.so.2",
    };
    refuse_other_processor(header, endian, runtime)?;
    for segment in header.program_headers(endian, binary).context("its program headers are broken")? {
        if segment.p_type(endian) == PT_INTERP {
            let found = segment.interpreter(endian, binary).ok().flatten().unwrap_or_default();
            ensure!(
                found == interpreter.as_bytes(),
                "it needs the interpreter `{}`, but the runtime has `{interpreter}`",
                String::from_utf8_lossy(found)
            );
        }
    }
    check_libraries(header, endian, binary)?;
    check_symbols(header, endian, binary, runtime.newest_glibc)
}

/// Checks processor and symbol versions of a file of a package, if it is for Linux: a program or a native extension. Its
/// libraries may be in the package too.
///
/// # Errors
/// Returns why it could not be loaded.
pub(super) fn check_in_package(file: &[u8], runtime: Runtime) -> Result<()> {
    if !file.starts_with(MAGIC) {
        return Ok(());
    }
    let header = Header::parse(file).context("it is for a processor of 32 bits")?;
    let endian = header.endian().context("its byte order is unknown")?;
    refuse_other_processor(header, endian, runtime)?;
    check_symbols(header, endian, file, runtime.newest_glibc)
}

/// Checks what a `provided` runtime starts, which may be a script.
///
/// # Errors
/// As for [`check`].
pub(super) fn check_entry(file: &[u8], runtime: Runtime) -> Result<()> {
    if file.starts_with(b"#!") { Ok(()) } else { check(file, runtime) }
}

fn refuse_other_processor(header: &Header, endian: Endianness, runtime: Runtime) -> Result<()> {
    let wanted = match runtime.architecture {
        Architecture::Arm => EM_AARCH64,
        Architecture::X86 => EM_X86_64,
    };
    ensure!(header.e_machine(endian) == wanted, "it is for a different processor than `{}`", runtime.architecture);
    Ok(())
}

fn check_libraries(header: &Header, endian: Endianness, binary: &[u8]) -> Result<()> {
    let sections = header.sections(endian, binary).context("its sections are broken")?;
    let Some((entries, link)) = sections.dynamic(endian, binary).context("its dynamic section is broken")? else {
        return Ok(());
    };
    let strings = sections.strings(endian, binary, link).context("its string table is broken")?;
    for entry in entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
        let name = entry.string(endian, strings).context("the name of a library is broken")?;
        let name = String::from_utf8_lossy(name);
        ensure!(LIBRARIES.contains(&name.as_ref()), "it needs the library `{name}`, which the runtime does not have");
    }
    Ok(())
}

/// The versions that the loader requires before it starts anything. It goes by this list, not by the symbols: a version
/// that only a weak symbol needs is as fatal, unless the linker marked the version itself as weak.
fn check_symbols(header: &Header, endian: Endianness, binary: &[u8], newest: GlibcVersion) -> Result<()> {
    let sections = header.sections(endian, binary).context("its sections are broken")?;
    let broken = "its symbol versions are broken";
    let Some((mut files, link)) = sections.gnu_verneed(endian, binary).context(broken)? else { return Ok(()) };
    let strings = sections.strings(endian, binary, link).context("its string table is broken")?;
    while let Some((_, mut needed)) = files.next().context(broken)? {
        while let Some(version) = needed.next().context(broken)? {
            let name = String::from_utf8_lossy(version.name(endian, strings).context(broken)?).into_owned();
            let weak = version.vna_flags.get(endian).0 & VER_FLG_WEAK.0 != 0;
            let Some(number) = name.strip_prefix("GLIBC_").filter(|_| !weak) else { continue };
            if GlibcVersion::try_from(number.to_owned()).is_ok_and(|needed| needed <= newest) {
                continue;
            }
            let symbol = symbol_of(&sections, endian, binary, name.as_bytes());
            let symbol = symbol.map_or_else(|| "a symbol".to_owned(), |symbol| format!("`{symbol}`"));
            bail!("it needs {symbol} of {name}; the runtime has {newest}");
        }
    }
    Ok(())
}

/// The first symbol that needs this version, if any does.
fn symbol_of(sections: &Sections<'_>, endian: Endianness, binary: &[u8], version: &[u8]) -> Option<String> {
    let symbols = sections.symbols(endian, binary, object::elf::SHT_DYNSYM).ok()?;
    let versions = sections.versions(endian, binary).ok()??;
    let (_, symbol) = symbols.iter().enumerate().find(|(index, symbol)| {
        let index = versions.version_index(endian, SymbolIndex(*index)).index();
        let found = versions.version(index).ok().flatten();
        symbol.is_undefined(endian) && found.is_some_and(|found| found.name() == version)
    })?;
    Some(String::from_utf8_lossy(symbol.name(endian, symbols.strings()).ok()?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(target: &str, glibc: &str) -> Runtime {
        let newest_glibc = GlibcVersion::try_from(glibc.to_owned()).unwrap();
        Runtime { architecture: Architecture::of_target(target), newest_glibc }
    }

    /// This very test is an ELF file for the machine it runs on.
    fn this_binary() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    fn host() -> String {
        format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
    }

    fn reason(binary: &[u8], runtime: Runtime) -> String {
        check(binary, runtime).unwrap_err().to_string()
    }

    #[test]
    fn a_binary_of_this_machine_passes_where_its_glibc_is_allowed() {
        check(&this_binary(), runtime(&host(), "2.99")).unwrap();
    }

    #[test]
    fn a_symbol_newer_than_the_runtimes_glibc_is_refused_by_name() {
        let text = reason(&this_binary(), runtime(&host(), "2.1"));
        assert!(text.contains("of GLIBC_2.") && text.contains("the runtime has 2.1"), "{text}");
    }

    #[test]
    fn another_processor_is_refused() {
        let other = if std::env::consts::ARCH == "x86_64" { "aarch64" } else { "x86_64" };
        let text = reason(&this_binary(), runtime(&format!("{other}-unknown-linux-gnu"), "2.99"));
        assert!(text.contains("for a different processor"), "{text}");
    }

    #[test]
    fn a_library_that_the_runtime_lacks_is_refused_by_name() {
        let mut binary = this_binary();
        let needle = b"libc.so.6\0";
        let at = binary.windows(needle.len()).position(|window| window == needle).unwrap();
        binary[at..at + 4].copy_from_slice(b"libq");
        let text = reason(&binary, runtime(&host(), "2.99"));
        assert!(text.contains("the library `libq.so.6`"), "{text}");
    }

    #[test]
    fn a_file_that_is_not_a_binary_or_is_cut_off_is_refused() {
        assert!(reason(b"#!/bin/sh\n", runtime(&host(), "2.99")).contains("not a 64-bit ELF file"));
        let whole = this_binary();
        for length in (0..4096).step_by(97).chain([whole.len() / 2]) {
            let _ = check(&whole[..length], runtime(&host(), "2.99"));
        }
    }

    #[test]
    fn versions_compare_by_number() {
        let version = |text: &str| GlibcVersion::try_from(text.to_owned()).unwrap();
        assert!(version("2.9") < version("2.34") && version("2.2.5") < version("2.3"));
    }
}
