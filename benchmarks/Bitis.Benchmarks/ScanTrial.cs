using Bitis.Data;
using Bitis.Evaluation;
using Bitis.Graphs;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Runtime;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

internal static class ScanTrial
{
    public static void Run(string modelName, string calibrationData, string testData, string methods, string bits, int count)
    {
        VisionModel model = ShippedModels.Names.Contains(modelName) ? ShippedModels.Load(modelName) : VisionModel.Load(modelName);
        using ImageSource calibration = ImageSource.Open(calibrationData), test = ImageSource.Open(testData);
        using ImageSource some = test.Take(count, 1), cal = calibration.Take(64, 0);
        var tests = new InMemoryImageSource([.. Enumerable.Range(0, some.Count).Select(some.Read)], test.ClassNames);
        Tensor[] draw = [.. ImageLoader.Load(cal, model.Preprocessing, 32).Select(batch => batch.Images)];
        foreach (string method in methods.Split(','))
        {
            foreach (string width in bits.Split(','))
            {
                QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, draw, new Recipe { Method = method, Bits = BitWidths.Parse(width), Scope = Scope.Ssm, Learning = method is "ptq4vm+" or "qmamba+" ? new LearningRecipe { Steps = 20 } : null });
                using var evaluator = new VectorizedEvaluator { CubicDecay = true };
                var executor = new GraphExecutor(quantized.Graph, quantized.DequantizeWeights(), new SimulatedEvaluator(evaluator, quantized.Linears, quantized.Scans));
                double top1 = new Evaluator(executor.Run, model.Config.Classes, []) { BatchSize = 32 }.Run(tests, model.Preprocessing, null, default).Counts.Top1!.Value;
                Console.WriteLine($"{method} {width}: {100 * top1:F2}");
            }
        }
    }
}
