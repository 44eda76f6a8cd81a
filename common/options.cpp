#include <getopt.h>

#include <charconv>

#include "common.hpp"
#include "internal.hpp"

namespace {

std::string long_name(const Option& option) {
    const std::string_view name = option.name;
    return std::string(name.substr(0, name.find(' ')));
}

struct Default {
    std::string operator()(const bool*) const { return ""; }
    std::string operator()(const int* n) const { return " (default: " + std::to_string(*n) + ")"; }
    std::string operator()(const std::string* s) const {
        return " (default: " + (s->empty() ? "none" : *s) + ")";
    }
    std::string operator()(const std::vector<std::string>* list) const {
        std::string all;
        for (const auto& s : *list) all += (all.empty() ? "" : ", ") + s;
        return " (repeatable; default: " + all + ")";
    }
};

void print_help(const char* sentence, const std::vector<Option>& options) {
    const auto line = [](const char* left, const char* name, const std::string& help) {
        std::printf("  %s--%-17s  %s\n", left, name, help.c_str());  // 17: frontend ENDPOINT
    };
    std::printf("Usage: %s [OPTION]...\n%s\n\n", program.c_str(), sentence);
    for (const auto& option : options)
        line("    ", option.name, option.help + std::visit(Default{}, option.value));
    line("-h, ", "help", "print this help and exit");
}

void store(const Option& option, const std::string& given, bool first) {
    if (auto* const* flag = std::get_if<bool*>(&option.value)) {
        **flag = true;
    } else if (auto* const* text = std::get_if<std::string*>(&option.value)) {
        **text = given;
    } else if (auto* const* list = std::get_if<std::vector<std::string>*>(&option.value)) {
        if (first) (*list)->clear();  // the values given replace the defaults
        (*list)->push_back(given);
    } else {
        int value = 0;
        const char* const end = given.data() + given.size();
        const auto [stop, error] = std::from_chars(given.data(), end, value);
        if (error != std::errc{} || stop != end || value < option.least || value > option.most)
            reject_argument("--" + long_name(option) + " " + printable(given) +
                            ": not a whole number from " + std::to_string(option.least) + " to " +
                            std::to_string(option.most));
        *std::get<int*>(option.value) = value;
    }
}

}  // namespace

void parse(int argc, char** argv, const char* sentence, std::vector<Option> options) {
    options.push_back({"quiet", &quiet, "print only the endpoints, and a summary with the rate"});
    const std::string_view path = argc > 0 ? argv[0] : "?";
    program = path.substr(path.rfind('/') + 1);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // line by line, even into a pipe

    constexpr int first = 256, help = 255;  // not characters; option i is first + i
    std::vector<std::string> names;
    for (const auto& option : options) names.push_back(long_name(option));
    std::vector<struct option> known;
    for (size_t i = 0; i < options.size(); ++i)
        known.push_back({names[i].c_str(), !std::holds_alternative<bool*>(options[i].value),
                         nullptr, first + static_cast<int>(i)});
    known.push_back({"help", no_argument, nullptr, help});
    known.push_back({nullptr, 0, nullptr, 0});

    opterr = 0;
    std::vector<bool> given(options.size());
    for (int c; (c = getopt_long(argc, argv, ":h", known.data(), nullptr)) != -1;) {
        if (c == 'h' || c == help) {
            print_help(sentence, options);
            throw HelpShown{};
        }
        const std::string word = argv[optind - 1];  // for a missing value and an unknown option
        if (c == ':') reject_argument(printable(word) + ": its value is missing");
        if (c == '?' && optopt != 0 && optopt < first)
            reject_argument(printable(std::string{'-', static_cast<char>(optopt)}) +
                            ": no such option");
        if (c == '?' && optopt >= first) reject_argument(printable(word) + ": takes no value");
        if (c == '?') reject_argument(printable(word) + ": no such option");
        const auto i = static_cast<size_t>(c - first);
        store(options[i], optarg == nullptr ? "" : optarg, !given[i]);
        given[i] = true;
    }
    if (optind < argc) reject_argument(printable(std::string(argv[optind])) + ": stray argument");
}

void reject_argument(const std::string& what) { throw std::invalid_argument(what); }

size_t number(std::string_view digits) {
    size_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc{} && stop == end ? value : 0;
}
