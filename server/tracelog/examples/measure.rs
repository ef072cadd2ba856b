use std::time::Instant;
use tracelog::*;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn main() {
    let mode = std::env::args().nth(1).unwrap();
    let bytes = std::fs::read(std::env::args().nth(2).unwrap()).unwrap();
    let reps: usize = std::env::args().nth(3).map_or(1, |n| n.parse().unwrap());
    let mb = bytes.len() as f64 / 1e6;
    let pre = if mode == "runs" { Some(Log::read(&bytes)) } else { None };
    let mut best = f64::MAX;
    for _ in 0..reps {
        let _t = Instant::now();
        let c = cpu();
        match mode.as_str() {
            "read" => {
                let log = Log::read(&bytes);
                if reps == 1 {
                    eprintln!(
                        "rows {} mem ratio {:.3}",
                        Family::ALL.iter().map(|f| log.n_rows(*f)).sum::<usize>(),
                        log.n_bytes() as f64 / bytes.len() as f64
                    );
                }
                std::mem::forget(log)
            }
            "open" => {
                let s = std::str::from_utf8(&bytes).unwrap();
                let t = Text::new(s);
                let log = Log::read_text(&t, || true).unwrap();
                std::mem::forget((t, log))
            }
            "runs" => {
                let r = Runs::of(pre.as_ref().unwrap());
                if reps == 1 {
                    eprintln!("runs {}", r.list.len());
                }
                std::mem::forget(r)
            }
            _ => panic!(),
        }
        best = best.min(cpu() - c);
    }
    println!("{mode} {:.1} MB/s  {:.2} ms", mb / best, best * 1e3);
}
