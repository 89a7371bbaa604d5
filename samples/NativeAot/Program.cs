// Quantizes and times a model in a program that was compiled ahead of time:
// dotnet publish samples/NativeAot -c Release -o out && out/NativeAot [MODEL]. MODEL is a file; left out, a model that
// ships is taken. The guide is docs/native-aot.md.
using System.Diagnostics;
using Bitis;

const int CalibrationImages = 32, TestImages = 200, Seed = 0;

VisionModel model = args is [string file] ? VisionModel.Load(file) : VisionModel.LoadShipped("vim-micro-builtin");
using ImageSource shapes = ImageSource.Open("builtin/train", decoder: null);
var images = CalibrationSet.FromImages(shapes, model.Preprocessing, CalibrationImages);
Recipe recipe = new() { Method = "mse", Bits = BitWidths.Parse("w8a8"), Scope = Scope.Ssm };
QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, images, recipe);

using ImageSource tests = ImageSource.Open("builtin/test", decoder: null).Take(TestImages, Seed);
SessionOptions oneThread = new() { Threads = 1 };
using InferenceSession floats = InferenceSession.Create(model, oneThread);
using InferenceSession integers = InferenceSession.Create(quantized, oneThread);
Measure("float32", floats, tests);
Measure("w8a8", integers, tests);

// The accuracy, and the median time of one image.
static void Measure(string name, InferenceSession session, ImageSource tests)
{
    int right = 0;
    var times = new double[tests.Count];
    for (int i = 0; i < tests.Count; i++)
    {
        PixelImage image = tests.Read(i);
        long start = Stopwatch.GetTimestamp();
        int answer = session.Classify(image, count: 1)[0].Class;
        times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        right += answer == tests.Label(i) ? 1 : 0;
    }
    Array.Sort(times);
    Console.WriteLine($"{name}: {right} of {tests.Count} right, {times[tests.Count / 2]:F3} ms an image");
}
