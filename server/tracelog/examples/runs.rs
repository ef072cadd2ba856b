use tracelog::*;
fn main() {
    for path in std::env::args().skip(1) {
        let log = Log::read(&std::fs::read(&path).unwrap());
        let runs = Runs::of(&log);
        let n: usize = Family::ALL.iter().map(|f| log.n_rows(*f)).sum();
        print!("{path}\t{}\t{n}", runs.list.len());
        for r in &runs.list {
            print!(
                "\t{}-{} {} [{}] go {} rst {:?} int {:?}{}",
                r.lines.0 + 1,
                r.lines.1 + 1,
                r.n_rows(),
                String::from_utf8_lossy(&r.source),
                r.go,
                r.restarts,
                r.interleaved,
                if r.toolchain { " TOOL" } else { "" }
            );
        }
        println!();
    }
}
