//! Trains beside other work: a light blinks evenly while the network learns, a mini-batch at a time.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::singleton;
use embassy_executor::Spawner;
use embassy_futures::yield_now;
use embassy_rp::gpio::Output;
use embassy_time::{Duration, Instant, Ticker};
use embedded_io::Write;
use thumbnet_firmware::DigitsMemory;
use thumbnet_firmware::digits::BATCHES;

/// The latest that the light has been, in microseconds.
static LATE: AtomicU32 = AtomicU32::new(0);

const PERIOD: Duration = Duration::from_millis(250);

#[embassy_executor::task]
async fn blink(mut light: Output<'static>) {
    let mut ticker = Ticker::every(PERIOD);
    let mut due = Instant::now();
    loop {
        ticker.next().await;
        due += PERIOD;
        light.toggle();
        let late = (Instant::now() - due).as_micros() as u32;
        LATE.store(late.max(LATE.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let parts = thumbnet_pico::take();
    let mut line = parts.writer;
    spawner.spawn(blink(parts.light).expect("there is one such task"));

    let memory = singleton!(: DigitsMemory = DigitsMemory::ZEROED).expect("this is called once");
    memory.start();
    let mut longest = Duration::MIN;
    for epoch in 1.. {
        for batch in 0..BATCHES {
            let start = Instant::now();
            memory.step(batch);
            longest = longest.max(start.elapsed());
            // Whatever is due comes first.
            yield_now().await;
        }
        write!(
            line,
            "epoch {epoch}: CRC-32 of weights {:08x}, at most {} us without a break, light {} us late\r\n",
            memory.weights_crc32(),
            longest.as_micros(),
            LATE.load(Ordering::Relaxed)
        )
        .expect("the line takes all");
    }
}
