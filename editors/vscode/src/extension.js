// Starts `qkt lsp` and connects VS Code to it. Everything else is the server's work.
const { workspace, window } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration("qkt").get("command", "qkt");
  client = new LanguageClient("qkt", "qkt", { command, args: ["lsp"] }, { documentSelector: [{ language: "qkt" }] });
  try {
    await client.start();
  } catch (problem) {
    window.showWarningMessage(`'${command} lsp' does not start: ${problem.message}. Install it with: pip install 'qkt[lsp]'`);
  }
};

exports.deactivate = () => client?.stop();
