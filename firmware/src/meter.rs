//! What work costs: instructions or cycles, flash, RAM and stack.

/// Counts what a piece of work costs on the board at hand.
pub trait Meter {
    /// What is counted, in the plural: "instructions" in an emulator, "cycles" on a board.
    const UNIT: &'static str;

    /// The count since start-up; it never goes backwards and never wraps.
    fn now(&mut self) -> u64;

    /// Does `work` and returns its result with what it cost.
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> (T, u64)
    where
        Self: Sized,
    {
        let start = self.now();
        let result = work();
        (result, self.now() - start)
    }
}

/// How much of a board's memory a program occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Code, constants and the initial values of variables.
    pub flash_bytes: u32,
    /// Variables with a fixed address.
    pub static_ram_bytes: u32,
    /// The deepest that the stack has been so far.
    pub stack_bytes: u32,
}

impl Memory {
    /// What the program needs of a board's RAM: fixed variables, and the stack at its deepest.
    pub const fn ram_bytes(&self) -> u32 {
        self.static_ram_bytes + self.stack_bytes
    }
}

sentences!(Memory {
    memory => "flash {} bytes, RAM {} bytes ({} static + {} stack)",
        memory.flash_bytes, memory.ram_bytes(), memory.static_ram_bytes, memory.stack_bytes;
});

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::testing::Looks;
    use std::string::ToString;

    #[test]
    fn measuring_returns_the_result_and_its_cost() {
        assert_eq!(Looks(41).measure(|| "done"), ("done", 1));
    }

    #[test]
    fn ram_is_statics_and_stack() {
        let memory = Memory {
            flash_bytes: 9,
            static_ram_bytes: 30,
            stack_bytes: 12,
        };
        assert_eq!(
            memory.to_string(),
            "flash 9 bytes, RAM 42 bytes (30 static + 12 stack)"
        );
    }
}
