// What a page shows is what the programs print. Run once for each page, named by $PAGE. The Chinese
// pages show the same (tests/notes/pages.cpp).
//
// A section of a page (from one heading to the next) is one session at several terminals. Its
// commands are the blocks of a single line that begins with build/. They are started in their
// order, and each is followed somewhere in the section by its output:
//
//     <!-- printed by build/req-rep/client --count 2 -->
//
// and a block. At the end of that line, `; numbers vary` or `; any order` allow differences. With
// `; as long as it runs` only the set of lines is compared, and `...` stands for more of them. A
// program with a line `interrupted` is ended with Ctrl-C after the others have ended. Files that
// they create are in a folder of the session.
//
// Of `printed by ./run NAME`, the lines of each program are compared, and `...` stands for more.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>

#include "pages.hpp"

namespace {

struct Command {
    std::string line;
    Strings printed{};
    bool shown = false, numbers_vary = false, any_order = false, as_a_set = false;
};
using Session = std::vector<Command>;

Strings words_of(const std::string& line) {
    std::istringstream stream(line);
    Strings words;
    for (std::string word; stream >> word;) {
        if (word.size() > 1 && word.front() == '\'') word = word.substr(1, word.size() - 2);
        words.push_back(word);
    }
    return words;
}

std::vector<Session> sessions_of(const std::string& page) {
    static const std::regex printed_by(
        "<!-- printed by (.*?)(; numbers vary)?(; any order)?(; as long as it runs)? -->");
    std::vector<Session> sessions(1);
    std::istringstream stream(page);
    std::string comment;
    for (std::string line; std::getline(stream, line);) {
        if (line.rfind("#", 0) == 0) sessions.emplace_back();
        if (line.rfind("<!-- printed by", 0) == 0) comment = line;
        if (line.rfind("```", 0) != 0) continue;
        Strings block;
        while (std::getline(stream, line) && line != "```") block.push_back(line);
        Session& session = sessions.back();
        std::smatch match;
        if (std::regex_match(comment, match, printed_by)) {
            if (match[1].str().rfind("./run ", 0) == 0) session.push_back({match[1]});
            const auto command =
                std::find_if(session.begin(), session.end(),
                             [&match](const Command& c) { return c.line == match[1] && !c.shown; });
            if (command == session.end())
                throw std::runtime_error("no such command in the section: " + match[1].str());
            command->shown = true;
            command->printed = block;
            command->numbers_vary = match[2].matched;
            command->any_order = match[3].matched;
            command->as_a_set = match[4].matched;
        } else if (block.size() == 1 && block[0].rfind("build/", 0) == 0) {
            session.push_back({block[0]});
        }
        comment.clear();
    }
    return sessions;
}

/// Turns endpoints on default ports into endpoints in a folder of the test, and back.
class Endpoints {
 public:
    std::string to_folder(const std::string& text) const {
        static const std::regex tcp("tcp://127\\.0\\.0\\.1:(\\d+)");
        return std::regex_replace(text, tcp, folder_.endpoint("") + "$1");
    }
    std::string folder() const { return folder_.path(""); }
    std::string to_page(std::string text) const {
        const std::string from = folder_.endpoint(""), to = "tcp://127.0.0.1:";
        for (size_t at; (at = text.find(from)) != std::string::npos;)
            text.replace(at, from.size(), to);
        return text;
    }
    /// Returns the arguments that put a program's default endpoints into the folder, too.
    Strings options(const std::string& program, const Strings& given) const {
        Process help(program, {"--help"});
        help.wait();
        static const std::regex option("--([a-z]+) ENDPOINT.*default: (tcp://[^)]*)");
        Strings added;
        for (const auto& line : help.lines()) {
            std::smatch match;
            if (!std::regex_search(line, match, option)) continue;
            const std::string name = "--" + match[1].str();
            if (std::find(given.begin(), given.end(), name) != given.end()) continue;
            std::string defaults = match[2];
            std::replace(defaults.begin(), defaults.end(), ',', ' ');
            for (const auto& endpoint : words_of(defaults)) {
                added.push_back(name);
                added.push_back(to_folder(endpoint));
            }
        }
        return added;
    }

 private:
    Folder folder_;
};

Strings comparable(Strings lines, const Command& command) {
    static const std::regex digits("\\b\\d+\\b"), summary("\\d+ (of \\d+ )?[a-z]+");
    for (auto& line : lines)  // the summary of a program that ends by itself does not vary
        if (command.numbers_vary && (command.as_a_set || !std::regex_match(line, summary)))
            line = std::regex_replace(line, digits, "N");
    if (command.any_order || command.as_a_set) std::sort(lines.begin(), lines.end());
    if (command.as_a_set) {
        lines.erase(std::remove(lines.begin(), lines.end(), "..."), lines.end());
        lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    }
    return lines;
}

bool is_interrupted(const Command& command) {
    return std::find(command.printed.begin(), command.printed.end(), "interrupted") !=
           command.printed.end();
}

Strings page_lines(Process& process, const Endpoints& endpoints) {
    auto lines = process.lines();
    for (auto& line : lines) line = endpoints.to_page(line);
    return lines;
}

/// The lines of each program in the output of ./run. The folder of its endpoints has another name
/// in each run.
std::map<std::string, Strings> by_program(const Strings& lines) {
    static const std::regex line("(\\S+) +\\| (.*)"), folder("zmq-run\\.\\w+");
    std::map<std::string, Strings> all;
    for (const auto& whole : lines) {
        std::smatch match;
        if (std::regex_match(whole, match, line))
            all[match[1]].push_back(std::regex_replace(match[2].str(), folder, "zmq-run"));
    }
    return all;
}

/// Whether `shown` is in `printed` in the same order, from the first line to the last.
bool shows(const Strings& shown, const Strings& printed) {
    auto next = shown.begin();
    for (const auto& line : printed)
        if (next != shown.end() && *next == line) ++next;
    return !shown.empty() && next == shown.end() && shown[0] == printed[0] &&
           shown.back() == printed.back();
}

/// Runs the script on the programs of this build, without cmake.
void run_script(const Command& command) {
    const Folder folder;
    std::filesystem::create_symlink(BINARY_DIR, folder.path("build"));
    std::filesystem::copy_file(SOURCE_DIR "/run", folder.path("run"));
    Process script(
        "/usr/bin/env",
        {"bash", "-c",
         "cd " + folder.path("") + " && cmake() { :; } && export -f cmake && " + command.line});
    CHECK(script.wait() == 0);
    auto shown = by_program(command.printed);
    const auto printed = by_program(script.lines());
    CHECK(shown.size() == printed.size());
    const bool leaves_out = std::count(command.printed.begin(), command.printed.end(), "...") > 0;
    for (const auto& [program, lines] : printed) {
        INFO(program);
        CHECK((shown[program] == lines || (leaves_out && shows(shown[program], lines))));
    }
}

void run(const Session& session) {
    if (session[0].line.rfind("./run ", 0) == 0) return run_script(session[0]);
    const Endpoints endpoints;
    REQUIRE(chdir(endpoints.folder().c_str()) == 0);
    std::vector<std::unique_ptr<Process>> processes;
    for (const auto& command : session) {
        INFO(command.line);
        REQUIRE(command.shown);
        auto words = words_of(endpoints.to_folder(command.line));
        const std::string program = words.front().substr(std::string("build/").size());
        words.erase(words.begin());
        for (const auto& word : endpoints.options(program, words)) words.push_back(word);
        // One stream for both outputs, as a terminal has.
        Strings shell{"-c", "exec \"$0\" \"$@\" 2>&1", BINARY_DIR "/" + program};
        shell.insert(shell.end(), words.begin(), words.end());
        processes.push_back(std::make_unique<Process>("/bin/sh", shell));
        // As a person waits before the next command.
        for (const auto& line : command.printed)
            if (line.rfind("listening on", 0) == 0) processes.back()->wait_for("listening on");
        if (command.as_a_set && command.printed.at(0).rfind("listening on", 0) != 0)
            processes.back()->wait_for(command.printed[0]);
    }
    for (const bool interrupt : {false, true})
        for (size_t i = 0; i < session.size(); ++i) {
            const Command& command = session[i];
            if (is_interrupted(command) != interrupt) continue;
            if (interrupt) processes[i]->signal(SIGINT);
            processes[i]->wait();
            INFO(command.line);
            CHECK(comparable(page_lines(*processes[i], endpoints), command) ==
                  comparable(command.printed, command));
        }
}

}  // namespace

TEST_CASE("a page shows what its programs print", "[pages]") {
    const char* const page = std::getenv("PAGE");
    REQUIRE(page != nullptr);
    int run_sessions = 0;
    for (const auto& session : sessions_of(source(page)))
        if (!session.empty()) {
            run(session);
            ++run_sessions;
        }
    CHECK(run_sessions > 0);
}
