//! A serial line over USB: the desktop sees a modem of the class CDC ACM.

use core::cell::RefCell;
use core::convert::Infallible;

use cortex_m::peripheral::NVIC;
use cortex_m::singleton;
use critical_section::Mutex;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use stm32f4xx_hal::otg_fs::{USB, UsbBus, UsbBusType};
use stm32f4xx_hal::pac::{Interrupt, interrupt};
use thumbnet_board_kit::Received;
use usb_device::bus::UsbBusAllocator;
use usb_device::prelude::*;
use usbd_serial::{SerialPort, USB_CLASS_CDC};

/// The numbers of a serial port that anybody may use, if the strings say what it is.
const NUMBERS: UsbVidPid = UsbVidPid(0x16c0, 0x27dd);

/// Memory for packets, as much as the chip has.
const FIFO_WORDS: usize = 320;

/// The most that comes in one packet.
const PACKET: usize = 64;

/// What the interrupt and the program share.
struct Line {
    device: UsbDevice<'static, UsbBusType>,
    port: SerialPort<'static, UsbBusType>,
    received: &'static mut Received,
}

static LINE: Mutex<RefCell<Option<Line>>> = Mutex::new(RefCell::new(None));

impl Line {
    /// Does what USB asks for, and takes what has arrived as long as there is room; then the desktop
    /// has to wait.
    fn serve(&mut self) {
        self.device.poll(&mut [&mut self.port]);
        let mut packet = [0; PACKET];
        while self.received.capacity() - self.received.len() >= PACKET {
            match self.port.read(&mut packet) {
                Ok(length) if length > 0 => self.received.extend(&packet[..length]),
                _ => break,
            }
        }
    }
}

/// Does something with the line while its interrupt has to wait.
fn with<T>(work: impl FnOnce(&mut Line) -> T) -> T {
    critical_section::with(|section| {
        let mut line = LINE.borrow_ref_mut(section);
        work(
            line.as_mut()
                .expect("the line is open as soon as it has ends"),
        )
    })
}

#[interrupt]
fn OTG_FS() {
    with(Line::serve);
}

/// Opens the line.
///
/// # Panics
///
/// If it is called twice.
pub(crate) fn open(usb: USB) -> (Reader, Writer) {
    let memory =
        singleton!(: [u32; FIFO_WORDS] = [0; FIFO_WORDS]).expect("the line is opened once");
    let bus = singleton!(: UsbBusAllocator<UsbBusType> = UsbBus::new(usb, memory));
    let bus = bus.expect("the line is opened once");
    let received = singleton!(: Received = Received::new()).expect("the line is opened once");
    let port = SerialPort::new(bus);
    let strings = StringDescriptors::default()
        .manufacturer("thumbnet")
        .product("thumbnet on a Black Pill")
        .serial_number("1");
    let device = UsbDeviceBuilder::new(bus, NUMBERS)
        .device_class(USB_CLASS_CDC)
        .strings(&[strings])
        .expect("one language is not too many")
        .build();
    critical_section::with(|section| {
        let line = Line {
            device,
            port,
            received,
        };
        LINE.replace(section, Some(line));
    });
    // SAFETY: the line is open, and nothing here relies on the interrupt being masked.
    unsafe { NVIC::unmask(Interrupt::OTG_FS) };
    (Reader(()), Writer(()))
}

/// The receiving end.
#[derive(Debug)]
pub struct Reader(());

impl ErrorType for Reader {
    type Error = Infallible;
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = with(|line| {
                let free = buffer.iter_mut();
                let read = free
                    .map_while(|byte| line.received.pop_front().map(|next| *byte = next))
                    .count();
                // What there was no room for may come now.
                line.serve();
                read
            });
            if read > 0 {
                return Ok(read);
            }
        }
    }
}

impl ReadReady for Reader {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(with(|line| !line.received.is_empty()))
    }
}

/// The sending end. What nobody reads, since no program has opened the port, is lost.
#[derive(Debug)]
pub struct Writer(());

impl ErrorType for Writer {
    type Error = Infallible;
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            let written = with(|line| {
                let written = match line.port.write(bytes) {
                    Ok(written) => written,
                    Err(_) if line.port.dtr() => 0,
                    Err(_) => bytes.len(),
                };
                line.serve();
                written
            });
            if written > 0 {
                return Ok(written);
            }
        }
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        // A packet that is not full goes out with the next poll.
        while with(|line| line.port.flush() == Err(UsbError::WouldBlock) && line.port.dtr()) {}
        Ok(())
    }
}
