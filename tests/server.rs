//! The language server as the tests start it: the same entry as `gotracelens lsp`.

fn main() -> std::process::ExitCode {
    gotracelens::lsp::run()
}
