using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Benchmarks.Measurements;

/// <summary>Products on the shapes of the models, in float16 and in levels.</summary>
/// <remarks>The script measures PyTorch on the same shapes.</remarks>
internal static class Products
{
    /// <summary>Tokens of 128 images, and the inputs and outputs of Vim-Tiny's and Vim-Base's large layers.</summary>
    private static readonly (int Rows, int Inputs, int Outputs)[] Shapes =
    [
        (128 * 197, 192, 768), (128 * 197, 384, 192), (128 * 197, 768, 3072), (128 * 197, 1536, 768),
        (8192, 8192, 8192),
    ];

    /// <summary>Measures and writes a table.</summary>
    public static void Run(Func<GpuDevice> open, bool isEmulated, TextWriter output)
    {
        using GpuDevice device = open();
        using var clock = new Clock(device);
        output.WriteLine("| rows × inputs × outputs | numbers | kernel | µs | 10¹² operations/s |");
        output.WriteLine("|---|---|---|---|---|");
        foreach ((int rows, int inputs, int outputs) in isEmulated ? [(33, 48, 40)] : Shapes)
        {
            foreach (LinearNumbers numbers in (LinearNumbers[])[LinearNumbers.Halves, LinearNumbers.Levels])
            {
                (string kernel, double seconds) = Measure(device, clock, rows, inputs, outputs, numbers, isEmulated);
                double rate = 2.0 * rows * inputs * outputs / seconds;
                output.WriteLine(
                    $"| {rows} × {inputs} × {outputs} | {numbers.ToString().ToLowerInvariant()} | {kernel} | "
                    + $"{seconds * 1e6:F1} | {rate / 1e12:F1} |");
            }
        }
    }

    private static (string Kernel, double Seconds) Measure(
        GpuDevice device, Clock clock, int rows, int inputs, int outputs, LinearNumbers numbers, bool isEmulated)
    {
        bool areLevels = numbers == LinearNumbers.Levels;
        var shape = new LinearShape(
            inputs, outputs, numbers, areLevels ? LinearOutput.Floats : LinearOutput.Halves, HasBias: false);
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Best(device, shape, rows);
        using GpuFunction function = device.Load(row.Emit(shape, PtxTarget.For(device.Capability)));
        using GpuBuffer input = device.Upload<byte>(new byte[(long)rows * shape.InputStride]);
        using GpuBuffer weights = device.Upload<byte>(new byte[(long)outputs * shape.WeightStride]);
        using GpuBuffer output = device.Allocate((long)rows * outputs * shape.OutputBytes);
        using GpuBuffer ofRows = device.Upload<int>(new int[rows]), ofOutputs = device.Upload<int>(new int[outputs]);
        GpuLaunch launch = new LinearOperands
        {
            Input = input,
            Weights = weights,
            Output = output,
            Rows = rows,
            InputScales = ofRows,
            InputZeroPoints = ofRows,
            WeightScales = ofOutputs,
            ColumnSums = ofOutputs,
        }.Launch(function, row, shape);
        return (row.Name, clock.SecondsOfLaunch(launch, isEmulated ? 1 : 20));
    }
}
