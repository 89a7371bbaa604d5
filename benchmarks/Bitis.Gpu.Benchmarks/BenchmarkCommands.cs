using Bitis.Gpu.Benchmarks.Checks;
using Bitis.Gpu.Benchmarks.Measurements;
using Bitis.Gpu.Benchmarks.Planning;
using Bitis.Gpu.Benchmarks.Roofline;
using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Benchmarks;

/// <summary>The commands of <c>benchmarks/gpu.sh</c>; each writes a part of the results as Markdown.</summary>
internal static class BenchmarkCommands
{
    private const string Usage = """
        gpu-benchmarks [--emulated] COMMAND
          device                 what the GPU is
          texts FOLDER           every kernel of the models as PTX, for sm_80 and sm_90a; needs no GPU
          check [MODEL...]       small models, launch by launch, against the interpreter, then against the CPU
          sanitize               one small model of each precision once, for compute-sanitizer
          micro                  rates of instructions, launches and memory
          products               products of the models' shapes
          models [VARIANT...]    images per second in all precisions at batch 1, 16, 128
          kernels VARIANT        each kernel's time beside its bound
          accuracy MODEL IMAGES [FIRST COUNT [PRECISION...]]
                                 a trained model's answers beside the CPU's; images: builtin/test, test_batch.bin, ...
          roofline VARIANT       bounds of each kernel on several GPUs; needs no GPU
        """;

    /// <summary>Runs a command line and returns its exit code.</summary>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        bool isEmulated = arguments is ["--emulated", ..];
        string[] rest = [.. arguments.Skip(isEmulated ? 1 : 0)];
        GpuDevice Open() => BenchmarkDevice.Open(isEmulated);
        try
        {
            switch (rest)
            {
                case ["device"]:
                    BenchmarkDevice.Describe(isEmulated, output);
                    return 0;
                case ["texts", string folder]:
                    Texts.Write(folder, output);
                    return 0;
                case ["check", .. string[] names]:
                    return SmallModelChecks.Run(Open, names, output) ? 0 : 1;
                case ["sanitize"]:
                    SmallModelChecks.RunOnce(Open, output);
                    return 0;
                case ["micro"]:
                    InstructionRates.Run(Open, isEmulated, output);
                    return 0;
                case ["products"]:
                    Products.Run(Open, isEmulated, output);
                    return 0;
                case ["models", .. string[] variants]:
                    ModelTimes.Run(Open, variants, isEmulated, output);
                    return 0;
                case ["kernels", string variant]:
                    KernelTimes.Run(Open, variant, isEmulated, output);
                    return 0;
                case ["accuracy", string model, string images, .. string[] selection]:
                    return Accuracy.Run(Open, model, images, selection, isEmulated, output) ? 0 : 1;
                case ["roofline", string variant]:
                    RooflineTable.Write(variant, output);
                    return 0;
                default:
                    error.WriteLine(Usage);
                    return 2;
            }
        }
        catch (BitisException e)
        {
            error.WriteLine(e.Message);
            return 2;
        }
    }
}
