/**
 * The one server process and the language client that talks to it. Starts, restarts and stops are queued, so that
 * two of them never overlap. Knows nothing about what the server says.
 */
import * as os from "node:os";
import * as vscode from "vscode";
import { LanguageClient, State, TransportKind } from "vscode-languageclient/node";
import { type Binary, findBinary } from "./binary";
import { godebugSelector } from "./godebug";
import { OPEN_PAGE, PAGE_URI } from "./pages";
import { SERVER_COMMANDS } from "./places";

/** File schemes whose documents are logs; output panels, diffs and the like are not. */
const SCHEMES = ["file", "untitled", "vscode-vfs"];

/**
 * The documents a running server is told about. Without detection only those that the user called a trace; with it
 * also those that may be one or may grow into one, of which the server answers only for real traces.
 */
export function documentSelector(detect: boolean): { language?: string; scheme: string }[] {
  const byLanguage = (language: string) => SCHEMES.map((scheme) => ({ language, scheme }));
  if (!detect) {
    return byLanguage("gotrace");
  }
  return [...["gotrace", "log", "plaintext"].flatMap(byLanguage), { scheme: "untitled" }];
}

/** What the user is shown about the server. */
export type ServerState =
  | { readonly kind: "idle" }
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly binary: Binary; readonly serverVersion: string }
  | { readonly kind: "failed"; readonly reason: string };

export class Server implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<ServerState>();
  readonly onDidChangeState = this.changed.event;
  readonly output = vscode.window.createOutputChannel("gotracelens", { log: true });
  private current: ServerState = { kind: "idle" };
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {}

  get state(): ServerState {
    return this.current;
  }

  /** Starts the server unless it runs or has been tried; a failure waits for `restart`. */
  start(): Promise<void> {
    return this.enqueue(async () => {
      if (this.current.kind === "idle") {
        await this.launch();
      }
    });
  }

  /** Ends the server if it runs and starts it anew. */
  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.end();
      await this.launch();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  /** Asks the server, which is started when it is not there yet. */
  async request<T>(method: string, params?: object): Promise<T> {
    await this.start();
    if (this.client === undefined) {
      throw new Error(this.current.kind === "failed" ? this.current.reason : "the server does not run");
    }
    return params === undefined ? this.client.sendRequest<T>(method) : this.client.sendRequest<T>(method, params);
  }

  dispose(): void {
    this.changed.dispose();
    this.output.dispose();
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step);
    return this.queue;
  }

  private async launch(): Promise<void> {
    this.set({ kind: "starting" });
    try {
      const binary = await findBinary({
        setting: vscode.workspace.getConfiguration("gotracelens").get("server.path", "").trim(),
        extensionPath: this.context.extensionPath,
        homeDir: os.homedir(),
        env: process.env,
        platform: process.platform,
      });
      this.output.info(`server (${binary.source}): ${binary.path}, version ${binary.version}`);
      this.client = this.createClient(binary);
      await this.client.start();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.output.error(`start server: ${reason}`);
      await this.end();
      this.set({ kind: "failed", reason });
    }
  }

  private createClient(binary: Binary): LanguageClient {
    const configuration = vscode.workspace.getConfiguration("gotracelens");
    const client = new LanguageClient(
      "gotracelens",
      "gotracelens",
      {
        command: binary.path,
        args: ["lsp"],
        transport: TransportKind.stdio,
        // Not the workspace folder: nothing in it may decide what the process loads.
        options: { cwd: os.homedir() },
      },
      {
        documentSelector: [
          ...documentSelector(configuration.get("detect.enable", true)),
          ...godebugSelector(configuration.get("godebug.enable", false)),
        ],
        outputChannel: this.output,
        // The settings at start; for changes the server asks with workspace/configuration. What the client can do is
        // no setting, so it comes last: no workspace can change it.
        initializationOptions: {
          ...configuration,
          pageUri: PAGE_URI,
          commands: SERVER_COMMANDS,
          // VS Code puts the problems at a place above the hover there.
          findingsInHovers: true,
        },
        // Log text ends up in hovers; it must never become HTML or a command but that which opens a page.
        markdown: { isTrusted: { enabledCommands: [OPEN_PAGE] }, supportHtml: false },
      },
    );
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        const serverVersion = client.initializeResult?.serverInfo?.version ?? binary.version;
        this.set({ kind: "running", binary, serverVersion });
      } else if (newState === State.Starting) {
        this.set({ kind: "starting" });
      } else if (this.client === client) {
        this.set({ kind: "failed", reason: "the server ended; its last words are in the output panel" });
      }
    });
    return client;
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      try {
        await client.dispose();
      } catch (error) {
        this.output.warn(`stop server: ${String(error)}`);
      }
    }
    this.set({ kind: "idle" });
  }

  private set(state: ServerState): void {
    this.current = state;
    this.changed.fire(state);
  }
}
