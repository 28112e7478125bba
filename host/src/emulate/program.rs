//! What a board's program says about itself in its ELF file: the machine it is for, and the texts of
//! its log.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use defmt_decoder::{Encoding, Table};
use object::{Architecture, Object, ObjectKind, ObjectSymbol};

/// A symbol with this name and then a machine's says which of QEMU's machines a program is for. A
/// board's memory.x defines it; like defmt's own such symbols it takes no memory on the board.
const MACHINE_SYMBOL: &str = "_thumbnet_machine_ = ";

/// A board's program, as far as a desktop needs to know it.
#[derive(Debug)]
pub struct Program {
    machine: Option<String>,
    table: Table,
}

impl Program {
    /// Reads the ELF file of a program.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a program for a Cortex-M, or does not log through defmt.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(path).with_context(|| {
            format!(
                "cannot read {}: build it first, for its board",
                path.display()
            )
        })?;
        Self::parse(&bytes, path)
    }

    /// As [`Program::read`], for a file that has been read; `path` is for messages.
    ///
    /// # Errors
    ///
    /// If the bytes are not a program for a Cortex-M, or it does not log through defmt.
    pub fn parse(bytes: &[u8], path: &Path) -> anyhow::Result<Self> {
        let elf = executable(bytes, path)?;
        let path = path.display();
        let table = Table::parse(bytes)
            .with_context(|| format!("{path} has a defmt table that cannot be read"))?
            .filter(|table| !table.is_empty())
            .with_context(|| {
                format!(
                    "{path} has no defmt table: link it with defmt.x, set DEFMT_LOG=info, keep symbols"
                )
            })?;
        if table.encoding() != Encoding::Rzcobs {
            bail!("{path} logs in defmt's raw encoding: build it without the feature encoding-raw");
        }

        Ok(Self {
            machine: machine(&elf),
            table,
        })
    }

    /// QEMU's name of the machine that the program says it is for.
    pub fn machine(&self) -> Option<&String> {
        self.machine.as_ref()
    }

    /// The texts of the program's log.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

/// The ELF file of a whole program for a Cortex-M; `path` is for messages.
///
/// # Errors
///
/// If the bytes are something else.
pub fn executable<'a>(bytes: &'a [u8], path: &Path) -> anyhow::Result<object::File<'a>> {
    let path = path.display();

    if !bytes.starts_with(b"\x7fELF") {
        bail!("{path} is not an ELF file: give a program as `cargo build` writes it for a board");
    }
    let elf = object::File::parse(bytes).with_context(|| {
        format!("{path} is damaged: it starts as an ELF file does but does not go on as one")
    })?;
    if elf.architecture() != Architecture::Arm {
        bail!(
            "{path} is a program for {:?}, expected one for Arm: build it for a board",
            elf.architecture()
        );
    }
    if elf.kind() != ObjectKind::Executable {
        bail!("{path} is not a whole program but a part of one: give the linked one");
    }
    Ok(elf)
}

/// QEMU's name of the machine that a program says it is for.
pub fn machine(elf: &object::File<'_>) -> Option<String> {
    // Linkers differ in whether they keep the quotes that a linker script needs here.
    elf.symbols().find_map(|symbol| {
        let name = symbol.name().ok()?.trim_matches('"');
        name.strip_prefix(MACHINE_SYMBOL).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 52 bytes of an ELF file of an executable for `machine`, without any section.
    fn header(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0; 52];
        bytes[..7].copy_from_slice(b"\x7fELF\x01\x01\x01"); // 32 bits, little-endian, version 1
        bytes[16] = 2; // an executable
        bytes[18] = machine;
        bytes[20] = 1; // version 1
        bytes[40] = 52; // size of this header
        bytes
    }

    fn complaint(bytes: &[u8]) -> String {
        let error = Program::parse(bytes, Path::new("some.elf")).expect_err("this is no program");
        error.to_string()
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Program::read(Path::new("no/such.elf")).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot read no/such.elf: "),
            "{error}"
        );
    }

    #[test]
    fn other_files_are_told_apart() {
        for (bytes, expected) in [
            (Vec::new(), "some.elf is not an ELF file"),
            (b"MZ\x90\0".to_vec(), "some.elf is not an ELF file"),
            (b"\x7fELF".to_vec(), "some.elf is damaged"),
            (
                header(3),
                "some.elf is a program for I386, expected one for Arm",
            ),
            (header(40), "some.elf has no defmt table"),
        ] {
            let complaint = complaint(&bytes);
            assert!(complaint.starts_with(expected), "{complaint}");
        }
    }

    #[test]
    fn an_object_file_is_not_a_program() {
        let mut bytes = header(40);
        bytes[16] = 1; // relocatable
        assert!(complaint(&bytes).contains("is not a whole program"));
    }
}
