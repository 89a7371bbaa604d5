// Quantizes a model by a method and an estimator that are not part of Bitis: CustomMethod [OUT.bitis].
// The guide is docs/custom-methods.md.
using Bitis;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using CustomMethod;

const int CalibrationImages = 32, TestImages = 200;

RangeEstimatorKind.Register(RangeEstimatorKind.Create(
    "sigma",
    "some standard deviations around the mean",
    SampleJson.Default.SigmaRange,
    settings => new SigmaEstimator(settings.Sigmas)));
QuantizationMethod.Register(QuantizationMethod.Create(
    "sigma-learned",
    "some standard deviations around the mean, smoothed and learned",
    SampleJson.Default.SigmaSettings,
    (settings, scope) => new MethodBehavior
    {
        Estimator = new SigmaEstimator(settings.Sigmas),
        Granularity = Granularity.PerToken,
        Learning = new LearningSettings
        {
            SmoothingAlpha = settings.Alpha,
            Loss = BlockLoss.RelativeError,
            Steps = settings.Steps,
            WeightRate = 0.01,
            ActivationRate = 0.01,
            SmoothingRate = 0.02,
            InLogarithms = true,
            Anneals = true,
            KeepsBest = true,
        },
    }));

string path = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "custom-method.bitis");
VisionModel model = VisionModel.LoadShipped("vim-micro-builtin");
using ImageSource shapes = ImageSource.Open("builtin/train", decoder: null);
var images = CalibrationSet.FromImages(shapes, model.Preprocessing, CalibrationImages);

// Our method with settings of its own, and one that comes with Bitis, with our estimator.
Recipe[] recipes =
[
    new() { Method = "minmax", Bits = new(4, 4), Estimator = new("sigma", new SigmaRange { Sigmas = 5 }) },
    new() { Method = "sigma-learned", Bits = new(4, 4), Settings = new SigmaSettings { Sigmas = 3.5, Steps = 5 } },
];
foreach (Recipe recipe in recipes)
{
    PostTrainingQuantizer.Quantize(model, images, recipe).Save(path);
    QuantizedModel loaded = QuantizedModel.Load(path);
    using InferenceSession session = InferenceSession.Create(loaded);
    using ImageSource test = ImageSource.Open("builtin/test", decoder: null).Take(TestImages, seed: 0);
    int right = Enumerable.Range(0, TestImages)
        .Count(i => session.Classify(test.Read(i), count: 1)[0].Class == test.Label(i));
    Recipe made = loaded.Recipe;
    Console.WriteLine($"{made.Method}, {made.Bits}: {right} of {TestImages} right, {made.Settings} {made.Estimator}");
}
