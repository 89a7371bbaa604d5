using System.CommandLine;
using Bitis.Benchmarks.Microbenchmarks;
using Bitis.Benchmarks.Peer;
using Bitis.Models.Catalogue;
using Bitis.Quantization.Methods;

namespace Bitis.Benchmarks;

/// <summary>The command line of the benchmark program: a command for each benchmark.</summary>
internal static class BenchmarkCommands
{
    /// <summary>The exit code for input that cannot be used.</summary>
    public const int BadInput = 2;

    private const string Checkpoint = "A checkpoint, or a model that ships.";

    /// <summary>Runs a command line.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="error">Where one message goes if it cannot be used.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter error)
    {
        ParseResult parsed = CreateRoot().Parse(arguments.Count == 0 ? ["--help"] : arguments);
        if (parsed.Errors.Count > 0)
        {
            // The first message names what was typed, if there is one that does.
            string message = parsed.Errors.Select(e => e.Message).OrderBy(IsVague).First();
            error.WriteLine(
                string.Join(' ', message.Split((char[])['\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries)));
            error.WriteLine($"See: {string.Join(' ', PathOf(parsed.CommandResult.Command))} --help");
            return BadInput;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (BitisException e)
        {
            error.WriteLine(e.Message);
            return BadInput;
        }
    }

    private static bool IsVague(string message) => !message.Contains('\'', StringComparison.Ordinal);

    private static IEnumerable<string> PathOf(Command command) =>
        command is RootCommand ? ["Bitis.Benchmarks"] : ["Bitis.Benchmarks", command.Name];

    private static RootCommand CreateRoot() =>
        new("Measures Bitis on this machine. Let nothing else compute meanwhile.")
    {
        Kernels(),
        Profile(),
        Speedup(),
        Threads(),
        Segmentation(),
        TokenScales(),
        Training(),
        ProfileStep(),
        Hlq(),
        TrainingMemory(),
        Backward(),
        Methods(),
        Conversion(),
        PeerCommand(),
        OnnxCommand(),
        OnnxFormsCommand(),
        RandomCommand(),
    };

    private static Command Kernels()
    {
        Argument<string[]> names = List(
            "NAME", "Operations or forms, by how their names begin, such as f32-scan. All if left out.");
        return Create(
            "kernels",
            "Measures all forms of all kernels that this machine can run, on one thread.",
            arguments => KernelTimes.Run(arguments.GetValue(names)!),
            names);
    }

    private static Command Profile()
    {
        Argument<string> variant = Variant();
        return Create(
            "profile",
            "Shows where the time of one image goes, in float32 and quantized, on one thread.",
            arguments => ProfileBenchmark.Run(arguments.GetValue(variant)!),
            variant);
    }

    private static Command Speedup()
    {
        Argument<string> variant = Variant();
        return Create(
            "speedup",
            "Compares quantized models with float32 on one thread. BITIS_ISA chooses the instruction set.",
            arguments => SpeedupBenchmark.Run(arguments.GetValue(variant)!),
            variant);
    }

    private static Command Threads()
    {
        Argument<string> variant = Variant();
        return Create(
            "threads",
            "Measures what a second thread and requests at the same time bring, and the first answer.",
            arguments => ThreadsBenchmark.Run(arguments.GetValue(variant)!),
            variant);
    }

    private static Command Segmentation()
    {
        Argument<int?> size = OptionalNumber("SIZE", "Height and width of the image in pixels; 512 by default.");
        Argument<int?> threads = OptionalNumber("THREADS", "How many threads compute; 1 by default.");
        return Create(
            "segmentation",
            "Compares a quantized VMamba-Tiny with a UPerHead with float32.",
            arguments => SegmentationBenchmark.Run(arguments.GetValue(size) ?? 512, arguments.GetValue(threads) ?? 1),
            size,
            threads);
    }

    private static Command TokenScales()
    {
        Argument<string> model = Required("MODEL", "A checkpoint of a model that segments.");
        Argument<string> images = Required("IMAGES", "Images to calibrate with and to segment.");
        var size = new Argument<int>("SIZE") { Description = "Height and width of the images for calibration." };
        RefuseLessThanOne(size);
        return Create(
            "token-scales",
            "Compares scales for each token with one for the tensor, at calibration's size of images and others.",
            arguments => TokenScalesBenchmark.Run(
                arguments.GetValue(model)!, arguments.GetValue(images)!, arguments.GetValue(size)),
            model,
            images,
            size);
    }

    private static Command Training()
    {
        Argument<string[]> models = List(
            "MODEL", "Small models by name, measured on one thread. Left out: a Vim, with its memory.");
        models.AcceptOnlyFromAmong([.. SmallModels.Names]);
        return Create(
            "training",
            "Measures a training step: images per second, and the share of each operator.",
            arguments =>
            {
                if (arguments.GetValue(models) is { Length: > 0 } names)
                    TrainingBenchmark.Run(names);
                else
                    TrainingBenchmark.Run();
            },
            models);
    }

    private static Command ProfileStep()
    {
        Argument<string> policy = Required(
            "POLICY", "A method of the backward pass, with its rank and bits: hlq, hlq:16:4.");
        Argument<string[]> models = List(
            "MODEL", "Small models or published variants. Left out: vit-mini, resnet-20 and vim-mini.");
        models.AcceptOnlyFromAmong([.. SmallModels.Names, .. ModelCatalogue.Variants.Select(entry => entry.Name)]);
        Option<int> threads = new("--threads")
        {
            Description = "Compares one thread with this many.",
            DefaultValueFactory = _ => 1,
        };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
                result.AddError("--threads takes a whole number of at least 1.");
        });
        Command command = Create(
            "profile-step",
            "Shows where the time of a training step goes, exact and by POLICY.",
            arguments => StepProfileBenchmark.Run(
                arguments.GetValue(models) is { Length: > 0 } names ? names : ["vit-mini", "resnet-20", "vim-mini"],
                arguments.GetValue(policy)!,
                arguments.GetValue(threads)),
            policy,
            models);
        command.Add(threads);
        return command;
    }

    private static Command Hlq()
    {
        Argument<string> policy = Optional(
            "POLICY", "A method of the backward pass, with its rank and bits: hlq:16:4.", "hlq");
        return Create(
            "hlq",
            "Compares a low-bit backward pass with the exact one: time by layer, and memory.",
            arguments =>
            {
                HlqBenchmark.Run(arguments.GetValue(policy)!);
                TrainingMemoryBenchmark.Run(arguments.GetValue(policy)!);
            },
            policy);
    }

    /// <summary>What <c>hlq</c> starts as a process of its own.</summary>
    private static Command TrainingMemory()
    {
        Argument<string> model = Required("MODEL", "The model to train."),
            method = Required("METHOD", "The method, or none.");
        Command command = Create(
            TrainingMemoryBenchmark.Child,
            "Prints the peak of memory of a training in bytes.",
            arguments => TrainingMemoryBenchmark.RunChild(arguments.GetValue(model)!, arguments.GetValue(method)!),
            model,
            method);
        command.Hidden = true;
        return command;
    }

    private static Command Backward()
    {
        Argument<string> model = Required("MODEL", "An architecture's name, or a checkpoint to fine-tune.");
        Argument<string> train = Required("TRAIN", "The images to train with.");
        Argument<string> test = Required("TEST", "The images to measure the accuracy with.");
        var epochs = new Argument<int>("EPOCHS") { Description = "How often each image is seen." };
        Argument<int?> take = OptionalNumber("TAKE", "How many of the training images. All if left out.");
        Argument<int?> seeds = OptionalNumber("SEEDS", "From how many seeds each method trains; 1 by default.");
        Argument<string> methods = Optional("METHODS", "Methods as of hlq, with commas. All if left out.", "");
        RefuseLessThanOne(epochs);
        return Create(
            "backward",
            "Trains with each method of the backward pass, and compares the accuracies.",
            arguments => BackwardBenchmark.Run(
                arguments.GetValue(model)!,
                arguments.GetValue(train)!,
                arguments.GetValue(test)!,
                arguments.GetValue(epochs),
                arguments.GetValue(take),
                arguments.GetValue(seeds) ?? 1,
                OrNull(arguments.GetValue(methods))),
            model,
            train,
            test,
            epochs,
            take,
            seeds,
            methods);
    }

    private static Command Methods()
    {
        Argument<string> model = Required("MODEL", Checkpoint);
        Argument<string> calibration = Required("CALIBRATION", "The images to calibrate with.");
        Argument<string> test = Required("TEST", "The images to measure the accuracy with.");
        Argument<int?> draws = OptionalNumber("DRAWS", "How many draws of calibration images; 3 by default.");
        Argument<string> row = Optional(
            "ROW", "A row of the table, or the beginning of some with a star. All if left out.", "");
        Argument<string> bits = Optional("BITS", "Bit widths with commas: w8a8,w4a8. All if left out.", "");
        return Create(
            "methods",
            "Measures the accuracy of the quantization methods by bit width.",
            arguments => MethodsBenchmark.Run(
                arguments.GetValue(model)!,
                arguments.GetValue(calibration)!,
                arguments.GetValue(test)!,
                arguments.GetValue(draws) ?? 3,
                OrNull(arguments.GetValue(row)),
                OrNull(arguments.GetValue(bits))),
            model,
            calibration,
            test,
            draws,
            row,
            bits);
    }

    private static Command Conversion()
    {
        Argument<string> variant = Required(
            "VARIANT", "A published variant, with random weights, or a model that ships.");
        Argument<string> method = Optional("METHOD", "The method.", "ptq4vm");
        Argument<int?> blocks = OptionalNumber("BLOCKS", "How many blocks of a Vim. All if left out.");
        method.AcceptOnlyFromAmong([.. QuantizationMethod.Names]);
        return Create(
            "conversion",
            "Measures how long a method takes to convert a model, and its memory.",
            arguments => ConversionBenchmark.Run(
                arguments.GetValue(variant)!, arguments.GetValue(blocks), arguments.GetValue(method)!),
            variant,
            method,
            blocks);
    }

    private static Command PeerCommand() => Create(
        "peer", "Compares matrix products and whole models with ONNX Runtime.", _ => PeerBenchmark.Run());

    private static Command OnnxCommand()
    {
        Argument<string> variant = Variant();
        return Create(
            "onnx",
            "Compares an exported variant in ONNX Runtime with Bitis.",
            arguments => OnnxBenchmark.Run(arguments.GetValue(variant)!),
            variant);
    }

    private static Command OnnxFormsCommand() => Create(
        "onnx-forms", "Measures forms of a quantized product in ONNX Runtime.", _ => OnnxBenchmark.RunForms());

    private static Command RandomCommand()
    {
        Argument<string> variant = Variant();
        Argument<string> file = Required("FILE", "The file to write, .safetensors.");
        return Create(
            "random",
            "Writes a variant with random weights to a file, for programs that are measured elsewhere.",
            arguments => RandomModel.Create(arguments.GetValue(variant)!).Save(arguments.GetValue(file)!),
            variant,
            file);
    }

    private static Command Create(string name, string description, Action<ParseResult> run, params Argument[] arguments)
    {
        var command = new Command(name, description);
        foreach (Argument argument in arguments)
        {
            argument.Validators.Add(RefuseOptions);
            command.Arguments.Add(argument);
        }
        command.SetAction(run);
        return command;
    }

    private static void RefuseOptions(System.CommandLine.Parsing.ArgumentResult result)
    {
        string? option = result.Tokens.Select(token => token.Value).FirstOrDefault(text => text.StartsWith('-'));
        if (option is not null)
            result.AddError($"Unknown option '{option}'.");
    }

    private static Argument<string> Variant()
    {
        Argument<string> variant = Required("VARIANT", "A published variant such as vim-tiny; its weights are random.");
        variant.AcceptOnlyFromAmong([.. ModelCatalogue.Variants.Select(entry => entry.Name)]);
        return variant;
    }

    private static Argument<string> Required(string name, string description) => new(name)
    {
        Description = description,
        HelpName = name,
    };

    private static Argument<string> Optional(string name, string description, string otherwise) => new(name)
    {
        Description = description,
        HelpName = name,
        DefaultValueFactory = _ => otherwise,
    };

    private static Argument<int?> OptionalNumber(string name, string description)
    {
        var argument = new Argument<int?>(name)
        {
            Description = description,
            Arity = ArgumentArity.ZeroOrOne,
            DefaultValueFactory = _ => null,
        };
        RefuseLessThanOne(argument);
        return argument;
    }

    private static void RefuseLessThanOne(Argument argument) => argument.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out int value) && value < 1)
            result.AddError($"{argument.Name} takes a whole number of at least 1, not '{value}'.");
    });

    private static Argument<string[]> List(string name, string description) => new(name)
    {
        Description = description,
        HelpName = name,
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
