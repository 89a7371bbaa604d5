using System.CommandLine;

namespace Bitis.Cli.Input;

/// <summary>The options of commands that may compute on a GPU.</summary>
internal sealed class DeviceOptionSet
{
    private const string DeviceName = "--device", PrecisionName = "--precision";

    private readonly Option<DeviceChoice> _device = CommonOptions.Parsed(
        DeviceName,
        "What computes: cpu, gpu, or auto for a GPU if there is one that can compute the model. [default: cpu]",
        ParseDevice,
        "DEVICE");

    private readonly Option<FloatPrecision?> _precision = CommonOptions.Parsed<FloatPrecision?>(
        PrecisionName,
        "What a GPU computes in where a model has no levels: float32, float16 or float16-states. [default: float32]",
        ParsePrecision,
        "TYPE");

    private readonly HashSet<string> _reported = [];

    /// <summary>Adds the options to a command.</summary>
    public DeviceOptionSet(Command command)
    {
        command.Options.Add(_device);
        command.Options.Add(_precision);
    }

    private enum DeviceChoice
    {
        Cpu,
        Gpu,
        Auto,
    }

    /// <summary>How sessions use the machine.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="threads">How many threads compute on the CPU; 0 for all.</param>
    /// <param name="warn">Receives the reason if <c>auto</c> chooses the CPU.</param>
    /// <exception cref="BitisException">The options contradict one another.</exception>
    public SessionOptions Choose(ParseResult arguments, int threads, Action<string> warn)
    {
        DeviceChoice device = arguments.GetValue(_device);
        FloatPrecision? precision = arguments.GetValue(_precision);
        if (precision is not null && device == DeviceChoice.Cpu)
            throw new BitisException($"{PrecisionName} is for GPUs; add {DeviceName} gpu, or leave it out.");
        if (device == DeviceChoice.Cpu)
            return new SessionOptions { Threads = threads };
        return new GpuOptions
        {
            Threads = threads,
            Precision = precision ?? FloatPrecision.Float32,
            OnFallback = device == DeviceChoice.Gpu ? null : reason =>
            {
                if (_reported.Add(reason))
                    warn($"{DeviceName} auto chose the CPU. {reason}");
            },
        };
    }

    private static DeviceChoice ParseDevice(string text) => text.ToLowerInvariant() switch
    {
        "cpu" => DeviceChoice.Cpu,
        "gpu" => DeviceChoice.Gpu,
        "auto" => DeviceChoice.Auto,
        _ => throw new BitisException($"{DeviceName} takes 'cpu', 'gpu' or 'auto', not '{text}'."),
    };

    private static FloatPrecision? ParsePrecision(string text) => text.ToLowerInvariant() switch
    {
        "float32" => FloatPrecision.Float32,
        "float16" => FloatPrecision.Float16,
        "float16-states" => FloatPrecision.Float16States,
        _ => throw new BitisException(
            $"{PrecisionName} takes 'float32', 'float16' or 'float16-states', not '{text}'."),
    };
}
