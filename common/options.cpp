#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "common.hpp"
#include "internal.hpp"

namespace {

std::string long_name(const Option& option) {
    const std::string_view name = option.name;
    return std::string(name.substr(0, name.find(' ')));
}

struct DefaultText {
    std::string operator()(const bool*) const { return ""; }
    std::string operator()(const int* n) const { return std::to_string(*n); }
    std::string operator()(const std::string* s) const { return s->empty() ? "none" : *s; }
    std::string operator()(const std::vector<std::string>* list) const {
        std::string all;
        for (const auto& s : *list) all += (all.empty() ? "" : ", ") + s;
        return all.empty() ? "none; repeatable" : all + "; repeatable";
    }
};

void show_help(const char* sentence, const std::vector<Option>& options) {
    size_t width = std::string_view("-h, --help").size();
    for (const auto& option : options)
        width = std::max(width, std::string_view(option.name).size() + 2);
    const auto line = [width](const std::string& left, const std::string& right) {
        std::printf("  %-*s  %s\n", static_cast<int>(width), left.c_str(), right.c_str());
    };
    std::printf("%s: %s\n\n", program.c_str(), sentence);
    for (const auto& option : options) {
        const bool only_a_line = *option.name == '\0';
        const std::string value = only_a_line ? "" : std::visit(DefaultText{}, option.value);
        line(only_a_line ? "" : std::string("--") + option.name,
             option.help + (value.empty() ? "" : " (default: " + value + ")"));
    }
    line("-h, --help", "this text");
}

/// Stores what was given; `first` when the option is given for the first time.
void assign(const Option& option, const std::string& given, bool first) {
    if (auto* const* flag = std::get_if<bool*>(&option.value)) {
        **flag = true;
    } else if (auto* const* n = std::get_if<int*>(&option.value)) {
        const auto parsed = number(given);
        if (!parsed || *parsed < option.least || *parsed > option.most)
            throw WrongArgument("--" + long_name(option) + " " + text(given) +
                                ": not a whole number from " + std::to_string(option.least) +
                                " to " + std::to_string(option.most));
        **n = *parsed;
    } else if (auto* const* s = std::get_if<std::string*>(&option.value)) {
        **s = given;
    } else {
        auto& list = *std::get<std::vector<std::string>*>(option.value);
        if (first) list.clear();  // what is given takes the place of the defaults
        list.push_back(given);
    }
}

}  // namespace

void parse(int argc, char** argv, const char* sentence, const std::vector<Option>& options) {
    const std::string_view path = argc > 0 ? argv[0] : "?";
    program = path.substr(path.rfind('/') + 1);
    // Where a shell has closed one of the three (>&-), the next socket would get its number, and be
    // written to.
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1) std::abort();
    // The only error is a mode that does not exist.
    [[maybe_unused]] const int set = std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);

    std::vector<std::string> names;
    for (const auto& option : options) names.push_back(long_name(option));
    std::vector<struct option> known;
    for (size_t i = 0; i < options.size(); ++i)
        if (!names[i].empty())
            known.push_back(
                {names[i].c_str(),
                 std::holds_alternative<bool*>(options[i].value) ? no_argument : required_argument,
                 nullptr, static_cast<int>(1000 + i)});
    known.push_back({"help", no_argument, nullptr, 'h'});
    known.push_back({nullptr, 0, nullptr, 0});

    opterr = 0;
    std::vector<bool> given(options.size());
    for (int c; (c = getopt_long(argc, argv, ":h", known.data(), nullptr)) != -1;) {
        if (c == 'h') {
            show_help(sentence, options);
            throw HelpShown{};
        }
        if (c == ':') throw WrongArgument(text(argv[optind - 1]) + ": its value is missing");
        if (c == '?')
            throw WrongArgument((optopt != 0 && optopt < 256
                                     ? "-" + text(std::string(1, static_cast<char>(optopt)))
                                     : text(argv[optind - 1])) +
                                ": no such option");
        const auto i = static_cast<size_t>(c - 1000);
        // getopt_long takes abbreviations, and so `--work 1` for --workers: what was meant is
        // unclear.
        const bool apart = optarg != nullptr && optarg == argv[optind - 1];
        const std::string word = argv[optind - (apart ? 2 : 1)];
        if (word.substr(0, word.find('=')) != "--" + names[i])
            throw WrongArgument(text(word) + ": no such option");
        assign(options[i], optarg == nullptr ? "" : optarg, !given[i]);
        given[i] = true;
    }
    if (optind < argc) throw WrongArgument(text(argv[optind]) + ": takes no such argument");
}

void wrong_argument(const std::string& what) {
    throw WrongArgument(what);
}

std::optional<int> number(std::string_view digits) {
    int value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}
