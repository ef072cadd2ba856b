/**
 * Pages of the reference, as read-only files that VS Code previews: the server has their texts, links between them
 * are links between these files.
 */
import * as vscode from "vscode";
import type { Server } from "./client";

export const PAGE_SCHEME = "gotracelens-page";
export const OPEN_PAGE = "gotracelens.openPage";
/** How links to pages look in hovers; the server fills in the name. */
export const PAGE_URI = `command:${OPEN_PAGE}?{page}`;

interface Page {
  readonly name: string;
  readonly title: string;
  readonly markdown: string;
}

interface Entry {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
}

export function registerPages(server: Server): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerFileSystemProvider(PAGE_SCHEME, new Pages(server), { isReadonly: true }),
    // Hovers pass a name, the palette passes nothing. Whatever comes is only ever looked up by the server.
    vscode.commands.registerCommand(OPEN_PAGE, async (name?: unknown) => {
      const chosen = typeof name === "string" ? name : await choose(server);
      if (chosen !== undefined) {
        await open(server, chosen);
      }
    }),
  );
}

async function open(server: Server, name: string): Promise<void> {
  try {
    const page = await ask(server, name);
    const uri = vscode.Uri.from({ scheme: PAGE_SCHEME, path: `/${page.name}.md` });
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  } catch (error) {
    void vscode.window.showErrorMessage(`gotracelens: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function choose(server: Server): Promise<string | undefined> {
  const entries = server.request<Entry[]>("gotracelens/pages");
  const items = entries.then((all) =>
    all.map(({ name, title, kind }) => ({ label: title, description: name, detail: kind, name })),
  );
  const picked = await vscode.window.showQuickPick(items, {
    title: "gotracelens reference",
    placeHolder: "A field, a family of lines, a rule or a term",
    matchOnDescription: true,
  });
  return picked?.name;
}

function ask(server: Server, name: string): Promise<Page> {
  return server.request<Page>("gotracelens/page", { name, links: "files" });
}

/** The pages as files: `/gc.heap_goal_mb.md`. There are no folders, and nothing changes. */
class Pages implements vscode.FileSystemProvider {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;

  constructor(private readonly server: Server) {}

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { length } = await this.readFile(uri);
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: length };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const [, name] = /^\/([^/]+)\.md$/.exec(uri.path) ?? [];
    if (name === undefined) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
    try {
      const { markdown } = await ask(this.server, name);
      return new TextEncoder().encode(markdown);
    } catch {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
}
